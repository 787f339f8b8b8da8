/** Compares what sigtool audit tells of a program with what enforcement refuses of it. */

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeOfRelease } from "../../../../../scripts/node-releases.mjs";
import { hasLauncher } from "../../../../../test/launcher.js";
import { execFileSync, hasProgram } from "../../../../../test/outside.js";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

const RELEASES = process.env.SIGTOOL_FULL ? ["20", "22", "24", "26"] : ["20", "24"];

/** Prints 42 in plain Node.js. Under a policy that lets only signed text become code, the gate refuses each. */
const REFUSED: readonly (readonly [
	name: string,
	files: Readonly<Record<string, string>>,
	told: object,
	since?: number,
])[] = [
	["eval", { "main.js": 'console.log(eval("40 + 2"))' }, { event: "code.string" }],
	["indirect eval", { "main.js": 'console.log((0, eval)("41 + 1"))' }, { event: "code.string" }],
	["Function", { "main.js": 'console.log(new Function("return 42")())' }, { event: "code.string" }],
	[
		"an async function",
		{ "main.js": 'new (async () => {}).constructor("return 42")().then(console.log)' },
		{ event: "code.string" },
	],
	[
		"a generator",
		{ "main.js": 'console.log(new (function* () {}).constructor("yield 42")().next().value)' },
		{ event: "code.string" },
	],
	[
		"eval in another realm",
		{
			"main.js":
				'const file = __dirname + "/part.js"; console.log(require("vm").runInNewContext(require("fs").readFileSync(file, "utf8"), {}, file))',
			"part.js": 'eval("43 - 1")',
		},
		{ event: "code.string" },
	],
	[
		"eval in a worker",
		{
			"main.js": 'new (require("worker_threads").Worker)(__dirname + "/part.js")',
			"part.js": 'console.log(eval("44 - 2"))',
		},
		{ event: "code.string" },
	],
	[
		"eval in a module",
		{ "main.js": 'import("./part.mjs")', "part.mjs": 'console.log(eval("45 - 3"))' },
		{ event: "code.string" },
	],
	[
		"TypeScript as the script",
		{ "main.ts": "const value: number = 42; console.log(value);" },
		{ event: "gate.intrusion", kind: "CommonJS", path: "main.ts" },
		22,
	],
	[
		"TypeScript as an imported module",
		{ "main.js": 'import("./part.mts")', "part.mts": "const value: number = 42; console.log(value); export {};" },
		{ event: "gate.intrusion", kind: "module", path: "part.mts" },
		22,
	],
	[
		"TypeScript as a required module",
		{ "main.js": 'require("./part.cts")', "part.cts": "const value: number = 42; console.log(value);" },
		{ event: "gate.intrusion", kind: "CommonJS", path: "part.cts" },
		22,
	],
	[
		"TypeScript in a worker",
		{
			"main.js": 'new (require("worker_threads").Worker)(__dirname + "/part.mts")',
			"part.mts": "const value: number = 42; console.log(value); export {};",
		},
		{ event: "gate.intrusion", kind: "module", path: "part.mts" },
		22,
	],
];

/** The policy of these lets text become code. */
const GENERATED: readonly (readonly [name: string, files: Readonly<Record<string, string>>])[] = [
	["_compile of text of no file", { "main.js": 'module._compile("console.log(42)", "/nowhere/made.js")' }],
	[
		"_compile of a changed file, as a compiler of TypeScript does",
		{
			"main.js":
				'require.extensions[".x"] = (m, file) => m._compile(require("fs").readFileSync(file, "utf8").replace("X", "42"), file); require("./part.x")',
			"part.x": "console.log(X)",
		},
	],
	[
		"a function with the parameters of a file",
		{
			"main.js":
				'require("vm").compileFunction("console.log(42)", ["exports", "require", "module", "__filename", "__dirname"])()',
		},
	],
];

type Event = Readonly<Record<string, unknown>>;

describe.skipIf(!hasLauncher).each(RELEASES)(
	"sigtool audit tells before what the gate refuses on Node.js %s",
	(release) => {
		function eventsIn(home: string): Event[] {
			const lines = readFileSync(join(home, "sigtool-audit.jsonl"), "utf8").trim().split("\n");
			return lines.map((line) => JSON.parse(line));
		}

		/** Signs and compiles a program, and runs it both ways. */
		function both(files: Readonly<Record<string, string>>, policy: object) {
			const home = temporaryDirectory();
			const sigtool = runner(home);
			const run = (...args: string[]) => sigtool(args, { cwd: home });
			makeTree(home, { "policy.json": JSON.stringify({ version: 1, mode: "enforce", ...policy }) });
			makeTree(join(home, "app"), files);
			expect(run("sign", "app")).toMatchObject({ status: 0 });
			expect(run("compile", "app", "-o", "app.sigx", "--policy", "policy.json", "--allow-development")).toMatchObject({
				status: 0,
			});
			const script = join("app", Object.keys(files)[0] ?? "");
			const options = ["--node", nodeOfRelease(release), "--index", "app.sigx", script];
			const audited = run("audit", ...options);
			const findings = eventsIn(home).filter(({ event, verdict }) => verdict === "audit" && event !== "verifier.start");
			const enforced = run("run", "--allow-development", ...options);
			const refusals: Event[] = [...enforced.stderr.matchAll(/^sigtool: (\{.*"verdict":"refuse".*\})$/gm)].map(
				([, line = ""]) => JSON.parse(line),
			);
			return { home, audited, findings, enforced, refusals };
		}
		const subject = ({ event, kind, path, sha256 }: Event) => ({ event, kind, path, sha256 });
		const known = REFUSED.filter(([, , , since = 20]) => Number(release) >= since);

		it.each(known.map(([name, files, told]) => ({ name, files, told })))("$name", ({ files, told }) => {
			const { home, audited, findings, enforced, refusals } = both(files, { runtime: { stringCode: "signed" } });
			expect(audited).toMatchObject({ status: 0, stdout: "42\n" });
			expect(enforced.status).not.toBe(0);
			expect(enforced.stdout).not.toContain("42");
			const { path } = told as { path?: string };
			const expected = { ...told, verdict: "audit", ...(path && { path: join(home, "app", path) }) };
			expect(findings).toEqual([expect.objectContaining(expected)]);
			expect(refusals.map(subject)).toEqual(findings.map(subject));
			expect(audited.stderr).toContain("enforcement would have refused 1 event");
			if (path !== undefined) expect(audited.stderr).toContain("compile it with --strip-types-with");
		});

		it.each(GENERATED)("%s, if enforcement refuses it", (_name, files) => {
			const { audited, findings, enforced, refusals } = both(files, { runtime: { stringCode: "allow" } });
			expect(audited).toMatchObject({ status: 0, stdout: "42\n" });
			expect(findings.map(subject)).toEqual(refusals.map(subject));
			expect(enforced.status).toBe(refusals.length > 0 ? 126 : 0);
		});

		it("files that nobody signed, which the hook tells alone", () => {
			const home = temporaryDirectory();
			makeTree(home, {
				"app/main.js": 'require("./marked.js"); import("./typeless.js"); import("./part.mjs");',
				"app/marked.js": "\ufeffconsole.log(1);",
				"app/typeless.js": "console.log(2); module.exports = 2;",
				"app/part.mjs": '\ufeffimport value from "./data.json" with { type: "json" }; console.log(value);',
				"app/data.json": "3",
			});
			const options = ["--node", nodeOfRelease(release), "app/main.js"];
			expect(runner(home)(["audit", ...options], { cwd: home })).toMatchObject({ status: 0, stdout: "1\n2\n3\n" });
			const events = eventsIn(home).filter(({ verdict }) => verdict === "audit");
			expect(new Set(events.map(({ event }) => event))).toEqual(new Set(["module.open_code"]));
		});

		it.skipIf(!hasProgram("cc"))("a library that an addon is linked to", () => {
			const home = temporaryDirectory();
			const sigtool = runner(home);
			const run = (...args: string[]) => sigtool(args, { cwd: home });
			makeTree(home, {
				"lib/dep.c": "int dep(void) { return 42; }",
				"linked.c": "int dep(void); int linked(void) { return dep(); }",
				"app/main.js":
					'try { require("./linked.node"); } catch (error) { console.log(/self-register/.test(error.message) ? 42 : error.message); }',
			});
			const build = (...args: string[]) => execFileSync("cc", ["-shared", "-fPIC", ...args], { cwd: home });
			build("lib/dep.c", "-o", "lib/libdep.so");
			build("linked.c", "-o", "app/linked.node", "-Llib", "-ldep", "-Wl,-rpath,$ORIGIN/../lib");
			rmSync(join(home, "lib/dep.c"));
			expect(run("sign", "app")).toMatchObject({ status: 0 });
			expect(run("audit", "--node", nodeOfRelease(release), "app/main.js")).toMatchObject({
				...{ status: 0, stdout: "42\n" },
				stderr: expect.stringContaining(`not signed: 1 file below "${join(home, "lib")}"`),
			});
			expect(run("run", "--allow-development", "--node", nodeOfRelease(release), "app/main.js")).toMatchObject({
				...{ status: 126, stdout: "" },
				stderr: expect.stringContaining("libdep.so"),
			});
		});
	},
);
