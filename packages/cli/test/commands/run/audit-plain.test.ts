import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { nodeOfRelease } from "../../../../../scripts/node-releases.mjs";
import { hasLauncher } from "../../../../../test/launcher.js";
import { spawnSync } from "../../../../../test/outside.js";
import { atEndOfFile, makeTree, runner, temporaryDirectory } from "../../support.js";

const RELEASES = process.env.SIGTOOL_FULL ? ["20", "22", "24", "26"] : ["20", "24"];

/** Each program prints what it sees of its process, and would see something else if the hook or the gate changed that. */
const PROGRAMS: Readonly<Record<string, string>> = {
	"options.js": "console.log(process.execArgv, process.argv.slice(2)); console.error('told'); process.exitCode = 7;",
	"input.js": `
		const fs = require("node:fs");
		const [, flags] = /flags:\\s*(\\d+)/.exec(fs.readFileSync("/proc/self/fdinfo/0", "utf8"));
		console.log("non-blocking", (Number.parseInt(flags, 8) & 0o4000) !== 0, fs.readFileSync(0, "utf8"));`,
	"fork.js": `
		if (process.send) { process.send([process.execArgv, process.argv.slice(2)]); process.exitCode = 3; process.disconnect(); }
		else {
			const child = require("node:child_process").fork(__filename, ["x"]);
			child.on("message", (message) => console.log(JSON.stringify(message)));
			child.on("exit", (status) => console.log("exit", status));
		}`,
	"cluster.js": `
		const cluster = require("node:cluster");
		if (cluster.isWorker) process.send(["worker", process.execArgv], () => process.exit(4));
		else {
			const worker = cluster.fork();
			worker.on("message", (message) => console.log(JSON.stringify(message)));
			worker.on("exit", (status) => console.log("exit", status));
		}`,
	"children.js": `
		const { execFileSync, spawnSync } = require("node:child_process");
		console.log(String(execFileSync(process.execPath, ["-p", "process.execArgv.length"])));
		console.log(spawnSync("/bin/sh", ["-c", "exit 5"]).status, spawnSync("/nonexistent").error.code);`,
	"register.mjs": `
		import { register } from "node:module";
		register("./hooks.mjs", import.meta.url);
		const { value } = await import("./changed.mjs");
		console.log(value, (await import("virtual:x")).default);`,
	"hooks.mjs": `
		export async function resolve(name, context, next) {
			return name === "virtual:x" ? { url: "data:text/javascript,export default 7", shortCircuit: true } : next(name, context);
		}
		export async function load(url, context, next) {
			const loaded = await next(url, context);
			return url.endsWith("/changed.mjs") ? { ...loaded, source: String(loaded.source).replace("before", "after") } : loaded;
		}`,
	"changed.mjs": 'export const value = "before";',
	"worker.js": `
		const { isMainThread, Worker } = require("node:worker_threads");
		if (isMainThread) new Worker(__filename, { argv: ["y"] }).on("exit", (status) => console.log("exit", status));
		else { console.log(process.execArgv, process.argv.slice(2)); process.exit(6); }`,
	"texts.js": `
		const vm = require("node:vm");
		module._compile("exports.made = 1", "/nowhere/made.js");
		console.log(eval("1 + 1"), new Function("return 3")(), vm.runInNewContext("a + 1", { a: 3 }), module.exports.made);
		try { vm.runInNewContext("eval('1')", {}, { contextCodeGeneration: { strings: false } }); }
		catch (error) { console.log(error.message); }
		console.log(new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)) instanceof WebAssembly.Module);`,
	"signal.js": 'console.log("before"); process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 60_000);',
	"thrown.js": 'console.log("before"); throw new TypeError("thrown");',
	"missing.mjs": 'import "./nothing.mjs";',
};

describe.skipIf(!hasLauncher).each(RELEASES)("sigtool audit runs a program as plain Node.js %s does", (release) => {
	const node = nodeOfRelease(release);
	let home = "";
	beforeAll(() => {
		home = temporaryDirectory(atEndOfFile);
		makeTree(join(home, "app"), PROGRAMS);
	});

	/** Leaves out stacks and the line of Node.js that threw. They show functions of the hook between those of Node.js. */
	const withoutStacks = (text: string) =>
		text.replaceAll(/^ +at .*\n|^\(node:\d+\) /gm, "").replace(/^\n?node:internal\/.*\n.*\n +\^\n\n?/, "");
	const withoutSummary = (text: string) =>
		text.replaceAll(/^(sigtool audit:.*| {2}(not signed|it |enforcement|next|every).*)\n/gm, "");

	it.each(Object.keys(PROGRAMS).filter((name) => name !== "hooks.mjs" && name !== "changed.mjs"))("%s", (name) => {
		const script = join(home, "app", name);
		const options = { cwd: home, input: "typed", encoding: "utf8" } as const;
		const plain = spawnSync(node, [script, "a b"], options);
		const run = runner(home, { spawn: true });
		const audited = run(["audit", "--node", node, script, "a b"], { cwd: home, input: "typed" });
		expect(audited).toMatchObject({ status: plain.status, stdout: plain.stdout });
		expect(withoutStacks(withoutSummary(audited.stderr))).toBe(withoutStacks(plain.stderr));
	});
});
