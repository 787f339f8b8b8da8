/** Runs every box of docs/how-to/fleet.md on the logs of three hosts: one is well, one has findings, and one is silent. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasXmllint, junitValues } from "../../packages/cli/test/report-schemas.js";
import { MAIN } from "../../packages/cli/test/support.js";
import { spawnSync } from "../outside.js";
import { atEndOfFile, temporaryDirectory } from "../temporary.js";
import { stepsOf } from "./page.js";

const HOSTS = "/var/log/sigtool-hosts";
const home = temporaryDirectory(atEndOfFile);

function writeHost(name: string, daysAgo: number, events: readonly object[]): void {
	const time = new Date(Date.now() - daysAgo * 86_400_000).toISOString();
	const start = { event: "verifier.start", verdict: "record", mode: "audit", script: "/srv/app/main.js", host: name };
	const lines = [start, ...events].map((event) => JSON.stringify({ time, pid: 7, thread: 0, ...event }));
	writeFileSync(join(home, "hosts", `${name}.jsonl`), `${lines.join("\n")}\n`);
}

const loaded = (entry: string, members: object = {}) => ({
	...{ event: "module.open_code", verdict: "allow", path: `/srv/app/${entry}`, sha256: "a".repeat(64) },
	...{ product: "app", entry, rule: "rules[0]", ...members },
});

describe("docs/how-to/fleet.md", () => {
	for (const directory of ["hosts", "bin"]) mkdirSync(join(home, directory));
	writeFileSync(join(home, "bin/sigtool"), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
	const added = { verdict: "audit", reason: "ERR_FILE_ADDED", rule: "entry" };
	writeHost("web1", 0.5, [loaded("main.js"), loaded("lib/a.js")]);
	writeHost("web2", 0.5, [loaded("main.js"), loaded("plugins/b.js", added), loaded("plugins/b.js", added)]);
	writeHost("db1", 30, [loaded("main.js")]);
	// A host that enforces already, whose policy records text. Its older log has `audit` for that.
	const enforcing = {
		event: "verifier.start",
		verdict: "allow",
		mode: "enforce",
		script: "/srv/shop.js",
		host: "web3",
	};
	const text = { event: "code.string", kind: "eval", sha256: "b".repeat(64) };
	const script = { event: "vm.compile", kind: "Script", verdict: "audit", reason: "ERR_RUNTIME_RULE" };
	writeHost("web3", 0.5, [enforcing, { ...text, verdict: "record" }, { ...text, verdict: "audit" }, script]);
	const env = {
		...process.env,
		NO_COLOR: "1",
		XDG_CONFIG_HOME: join(home, "config"),
		PATH: `${home}/bin:${process.env.PATH}`,
	};

	/** Runs each line of the box below a heading. Returns the exit status and the output of each. */
	function runsOf(heading: string): (readonly [status: number | null, output: string])[] {
		const steps = stepsOf("docs/how-to/fleet.md").filter((step) => step.heading === heading);
		expect(steps.length).toBeGreaterThan(0);
		const lines = steps.flatMap(({ command }) => command.trim().split("\n"));
		return lines.map((line) => {
			const typed = line.replaceAll(HOSTS, join(home, "hosts"));
			const { status, stdout, stderr } = spawnSync("sh", ["-c", typed], { cwd: home, env, encoding: "utf8" });
			return [status, stdout + stderr];
		});
	}

	it("shows who sends, and when last", () => {
		const [[status, text] = []] = runsOf("2. Record everywhere");
		expect(status).toBe(0);
		expect(text?.match(/\b(?:web[123]|db1) {2}.*, last 20/g)).toHaveLength(4);
	});

	it("learns one policy, and says what it would refuse", () => {
		const [learned, checked, tested] = runsOf("3. Learn from all of them");
		expect(learned).toEqual([0, expect.stringContaining('1 file below "/srv/app" is not signed')]);
		expect(checked?.[0]).toBe(0);
		expect(tested).toEqual([1, expect.stringContaining("/srv/app/plugins/b.js (2 times)")]);
		const { rules } = JSON.parse(readFileSync(join(home, "policy.json"), "utf8"));
		expect(rules).toMatchObject([{ allow: { product: "app" }, owner: "Web team" }]);
	});

	it("lists the hosts without findings, and neither the others nor those that are silent", () => {
		const [[status, text] = []] = runsOf("4. Enforce on the hosts without findings");
		expect(status).toBe(0);
		const [first, second, ...others] = text?.trimEnd().split("\n") ?? [];
		expect(first).toMatch(/^ *5 {2}web3 {2}1 allowed, 4 recorded, last \S+$/);
		expect(second).toMatch(/^ *3 {2}web1 {2}2 allowed, 1 recorded, last \S+$/);
		expect(others).toEqual([]);
	});

	it("tells what keeps a host from enforcing", () => {
		const [byFile, ofHost] = runsOf("5. Mend the others");
		expect(byFile).toEqual([0, expect.stringMatching(/2 {2}\/srv\/app\/plugins\/b\.js {2}2 would be refused,/)]);
		expect(ofHost).toEqual([0, expect.stringContaining("ERR_FILE_ADDED")]);
		expect(ofHost?.[1]).toContain("mend");
	});

	it.skipIf(!hasXmllint)("reports refusals as test results (needs xmllint)", () => {
		expect(runsOf("6. Watch")).toEqual([[0, ""]]);
		const text = readFileSync(join(home, "refusals.xml"), "utf8");
		expect(junitValues(text, "/testsuites/@failures", "count(//testcase[system-out])")).toEqual(["0", "1"]);
	});

	it("lists rules by use", () => {
		expect(runsOf("7. Retire rules")).toEqual([[0, expect.stringContaining("every rule of the policy was used")]]);
	});
});
