/**
 * The story of a host that enforces, and whose policy only records text: an Express service renders templates, and a service in
 * CPython runs text and tries a child process. Nobody is told that enforcement would refuse any of it, so the rollout ends.
 */

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { MAIN } from "../../packages/cli/test/support.js";
import { installedPackages } from "../applications/install.mjs";
import { stepsOf } from "../documents/page.js";
import { RUNTIMES } from "../host/runtimes.js";
import { spawnSync } from "../outside.js";
import { canOperate, Service } from "./service.js";

const packages = canOperate ? installedPackages("programs") : undefined;

const EXPRESS = `
const express = require("express");
const vm = require("node:vm");
const render = new Function("name", "return 'hello ' + name");
const app = express();
app.get("/:name", (request, response) => response.send(render(request.params.name)));
const server = app.listen(0, "127.0.0.1", async () => {
	const answer = await fetch("http://127.0.0.1:" + server.address().port + "/world");
	console.log(await answer.text(), vm.runInNewContext("6 * 7"));
	process.exit();
});
`;
const PYTHON = `
import os
exec("print('hello world', 6 * 7)")
try: os.system("true")
except PermissionError: pass
`;

/** Copies a package and what it depends on. */
function copyPackage(name: string, directory: string): void {
	const from = join(packages ?? "", "node_modules", name);
	cpSync(from, join(directory, "node_modules", name), { recursive: true });
	const { dependencies = {} } = JSON.parse(readFileSync(join(from, "package.json"), "utf8"));
	for (const each of Object.keys(dependencies)) copyPackage(each, directory);
}

describe.skipIf(packages === undefined).each(RUNTIMES)(
	"a host that enforces and records text, $name (as root, with the launcher built, npm and its registry)",
	(runtime) => {
		let service: Service;
		beforeAll(() => {
			service = new Service(runtime, { files: { "main.js": EXPRESS, "main.py": PYTHON } });
			if (runtime.kind === "node") copyPackage("express", service.at("app"));
			const policy = { version: 1, runtime: { children: "audit" }, python: { events: ["compile"] } };
			writeFileSync(service.at("policy.json"), JSON.stringify(policy));
			service.ship(service.key, ["--policy", service.at("policy.json")]);
			service.install();
			const { status, stdout, stderr } = service.start();
			expect([status, stdout], stderr).toEqual([0, "hello world 42\n"]);
		});

		it("writes each of them as recorded, and starts as a host that enforces", () => {
			const events = service.events();
			expect(events).toContainEqual(
				expect.objectContaining({ event: "verifier.start", verdict: "allow", mode: "enforce" }),
			);
			const found = events.filter(({ verdict }) => verdict !== "allow");
			expect([...new Set(found.map(({ verdict }) => verdict))]).toEqual(["record"]);
			expect(new Set(found.map(({ event }) => event))).toEqual(
				new Set(runtime.kind === "node" ? ["code.string", "vm.compile"] : ["python.os.system"]),
			);
			// A code of a refusal would be wrong.
			expect(found.filter(({ reason }) => reason !== undefined)).toEqual([]);
		});

		it("has no finding, and the report says so first", () => {
			const log = service.at("log/events.jsonl");
			expect(service.sigtool(["log", "--refused", log])).toMatchObject({ status: 0, stdout: "no events\n" });
			const report = service.sigtool(["report", log, "-o", service.at("report.html"), "--json"]).json();
			const recorded = service.events().filter(({ verdict }) => verdict === "record").length;
			expect(report.subjects[0].verdicts).toMatchObject({ refuse: 0, audit: 0, record: recorded });
			expect(readFileSync(service.at("report.html"), "utf8")).toMatch(/<h2 id="[^"]*">Nothing was refused<\/h2>/);
		});

		it("is explained by the member of the policy that records it", () => {
			const line = readFileSync(service.at("log/events.jsonl"), "utf8")
				.split("\n")
				.find((each) => each.includes('"verdict":"record"'));
			const member = runtime.kind === "node" ? "runtime.stringCode" : "runtime.children";
			const { status, stdout } = service.sigtool(["why", line ?? ""]);
			expect([status, stdout]).toEqual([0, expect.stringMatching(/^recorded: /)]);
			expect(stdout).toMatch(new RegExp(`^ +rule +${member} of the policy$`, "m"));
			expect(stdout).toMatch(/^ +mend +nothing has to be done: /m);
		});

		it("is in the list of hosts that fleet.md enforces on", () => {
			mkdirSync(service.at("hosts"));
			mkdirSync(service.at("bin"));
			cpSync(service.at("log/events.jsonl"), service.at("hosts/shop.jsonl"));
			writeFileSync(service.at("bin/sigtool"), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, {
				mode: 0o755,
			});
			const heading = "4. Enforce on the hosts without findings";
			const [step] = stepsOf("docs/how-to/fleet.md").filter((each) => each.heading === heading);
			const command = step?.command.replaceAll("/var/log/sigtool-hosts", service.at("hosts")) ?? "";
			const env = { ...process.env, NO_COLOR: "1", PATH: `${service.at("bin")}:${process.env.PATH}` };
			const { status, stdout } = spawnSync("sh", ["-c", command], { cwd: service.directory, env, encoding: "utf8" });
			expect([status, stdout]).toEqual([
				0,
				expect.stringMatching(/^ *\d+ {2}\S+ {2}\d+ allowed, \d+ recorded, last \S+\n/),
			]);
		});
	},
);
