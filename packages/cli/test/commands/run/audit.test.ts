/** Goes the whole way: a program runs in audit mode, a policy is learned from that, and the program runs under it. */

import { appendFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasLauncher } from "../../../../../test/launcher.js";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

/** WebAssembly without content. */
const MODULE = "Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)";

describe.skipIf(!hasLauncher)("sigtool audit (needs the launcher built)", () => {
	function program() {
		const home = temporaryDirectory();
		const run = runner(home);
		const sigtool = (...args: string[]) => run(args, { cwd: home, env: { TMPDIR: join(home, "tmp") } });
		mkdirSync(join(home, "tmp"));
		makeTree(join(home, "app"), {
			"main.js": `
				const part = require("../plugins/part.js");
				new WebAssembly.Module(${MODULE});
				console.log(part, eval("1 + 1"), process.argv.slice(2).join());
				process.exitCode = 42;`,
		});
		makeTree(join(home, "plugins"), { "part.js": 'module.exports = "part";\n' });
		return { home, sigtool, at: (name: string) => join(home, name) };
	}

	it("runs a program that nobody signed, and says what to do next", () => {
		const { sigtool, at } = program();
		const { status, stdout, stderr } = sigtool("audit", "app/main.js", "--json", "-q");
		expect({ status, stdout }).toEqual({ status: 42, stdout: "part 2 --json,-q\n" });
		expect(stderr).toMatch(/^sigtool audit: \d+ events in "sigtool-audit.jsonl"; nothing was refused$/m);
		expect(stderr).toContain(`not signed: 1 file below "${at("app")}": \`sigtool sign ${at("app")}\`\n`);
		expect(stderr).toContain(`not signed: 1 file below "${at("plugins")}"`);
		expect(stderr).toContain(
			"next: `sigtool policy learn sigtool-audit.jsonl -o policy.json`, then the commands that it prints",
		);
		expect(statSync(at("sigtool-audit.jsonl")).mode & 0o777).toBe(0o600);
	});

	it("leads to a policy under which the same run passes, and fails after one changed byte", () => {
		const { sigtool, at } = program();
		sigtool("audit", "--log", "first.jsonl", "app/main.js");
		for (const tree of ["app", "plugins"]) expect(sigtool("sign", tree)).toMatchObject({ status: 0 });
		writeFileSync(at("start.json"), '{"version":1,"mode":"audit","rules":[{"deny":{"name":"nothing is named so"}}]}');
		const compile = (policy: string) =>
			expect(
				sigtool("compile", "app", "plugins", "-o", "app.sigx", "--policy", policy, "--allow-development"),
			).toMatchObject({ status: 0 });
		compile("start.json");
		expect(sigtool("audit", "--log", "second.jsonl", "--index", "app.sigx", "app/main.js")).toMatchObject({
			status: 42,
			stderr: expect.stringContaining("every file that was loaded is signed"),
		});
		expect(sigtool("policy", "learn", "second.jsonl", "--index", "app.sigx", "-o", "policy.json")).toMatchObject({
			status: 0,
			stderr: expect.not.stringContaining("policy signer"),
		});
		const learned = JSON.parse(readFileSync(at("policy.json"), "utf8"));
		expect(learned).toMatchObject({
			mode: "enforce",
			rules: ["app", "plugins"].map((product) => ({ allow: { product, signer: { key: expect.any(String) } } })),
			runtime: { webAssemblySha256: [expect.any(String)] },
		});
		expect(sigtool("policy", "test", "second.jsonl", "--policy", "policy.json", "--index", "app.sigx")).toMatchObject({
			status: 0,
		});
		compile("policy.json");
		const enforced = sigtool("run", "--allow-development", "--index", "app.sigx", "app/main.js", "x");
		expect(enforced).toMatchObject({ status: 42, stdout: "part 2 x\n" });
		appendFileSync(at("plugins/part.js"), " ");
		const refused = sigtool("run", "--allow-development", "--index", "app.sigx", "app/main.js");
		expect(refused).toMatchObject({ status: 126, stdout: "" });
		expect(refused.stderr).toContain("ERR_FILE_MODIFIED");
	});

	it("counts the events of this run alone, and says so if there are none", () => {
		const { sigtool } = program();
		const counted = () => Number(/^sigtool audit: (\d+) events/m.exec(sigtool("audit", "app/main.js").stderr)?.[1]);
		const first = counted();
		expect(counted()).toBeLessThan(first * 1.5);
		const { status, stderr } = sigtool("audit", "--log", "/dev/null", "app/main.js");
		expect(status).toBe(42);
		expect(stderr).toContain('sigtool audit: this run wrote no event of a program to "/dev/null": ');
		expect(stderr).not.toContain("nothing was refused");
	});

	it("says in one line that a script is larger than Node.js reads", () => {
		const { sigtool, at } = program();
		writeFileSync(at("large.js"), "");
		truncateSync(at("large.js"), 2 ** 31);
		const { status, stderr } = sigtool("audit", "large.js");
		expect(status).toBe(126);
		expect(stderr).toMatch(
			/^sigtool: ERR_UNTRUSTED_CODE: Cannot load ".*large\.js": it has 2147483648 bytes.*\nsigtool audit:/,
		);
	});

	it("ends with an error if the file of events cannot be written", () => {
		const { sigtool } = program();
		expect(sigtool("audit", "--log", "missing/events.jsonl", "app/main.js")).toMatchObject({
			stdout: "",
			stderr: expect.stringContaining('"missing/events.jsonl"'),
		});
		expect(sigtool("audit", "--node", "app/main.js/node", "app/main.js")).toMatchObject({
			...{ status: 2, stdout: "" },
			stderr: expect.stringMatching(/^error: .*there is no such program \[ERR_USAGE\]\n$/),
		});
	});
});
