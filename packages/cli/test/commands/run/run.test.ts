import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeOfRelease } from "../../../../../scripts/node-releases.mjs";
import { hasLauncher } from "../../../../../test/launcher.js";
import { spawn, spawnSync } from "../../../../../test/outside.js";
import { MAIN, makeTree, runner, temporaryDirectory } from "../../support.js";

/** Variables that pass in strict, so that the launcher tells of none that does not. */
const LISTED = { PATH: process.env.PATH, HOME: process.env.HOME };

/** The release that runs the tests, or all releases in a full run. */
const RELEASES =
	process.env.SIGTOOL_FULL === undefined ? [process.versions.node.split(".")[0] ?? ""] : ["20", "22", "24", "26"];

describe.skipIf(!hasLauncher)("sigtool run --allow-development (needs the launcher built)", () => {
	const program = `
		console.log(JSON.stringify(process.argv.slice(2)));
		process.exitCode = require("./answer.json");`;

	/** Makes a tree that a development identity signed, without any other configuration. */
	function signedApp(files: Readonly<Record<string, string>> = {}) {
		const home = temporaryDirectory();
		const sigtool = runner(home);
		makeTree(join(home, "app"), { "main.js": program, "answer.json": "42", ...files });
		expect(sigtool(["sign", "app"], { cwd: home })).toMatchObject({ status: 0 });
		const scratch = join(home, "tmp");
		mkdirSync(scratch);
		const run = (...args: string[]) => {
			return sigtool(["run", "--allow-development", ...args], { cwd: home, env: { TMPDIR: scratch } });
		};
		return { home, scratch, sigtool, run, at: (path: string) => join(home, path) };
	}

	it("runs a signed program without configuration, and says how far that can be trusted", () => {
		const { run, scratch } = signedApp();
		const { status, stdout, stderr } = run("./app/main.js", "a b", "--json", "-q", "--help");
		expect(stderr).toBe(
			`note: app is held against "app/app.cat" and this machine's development identity, without a host configuration; other machines do not trust that\n`,
		);
		expect(stdout).toBe(`${JSON.stringify(["a b", "--json", "-q", "--help"])}\n`);
		expect(status).toBe(42);
		expect(readdirSync(scratch)).toEqual([]);
	});

	it("names itself in the error of text that the mode refuses, and of another program", () => {
		const files = { "text.js": 'new Function("return 1")', "child.js": 'require("child_process").execSync("true")' };
		const { run, home, sigtool } = signedApp(files);
		const refusedBy = (file: string) => {
			const { status, stderr } = run("--mode", "strict", file);
			expect(status).toBe(1);
			const why = sigtool(["why", "-", "--json"], { cwd: home, input: stderr });
			return { stderr, ...JSON.parse(why.stdout) };
		};
		const text = refusedBy("./app/text.js");
		expect(text.stderr).toMatch(
			/^EvalError: sigtool: ERR_RUNTIME_RULE: Cannot go on with code\.string \(kind "eval"\): mode strict refuses it/m,
		);
		expect(text).toMatchObject({ rule: "runtime.stringCode of the policy" });
		const child = refusedBy("./app/child.js");
		expect(child.stderr).toMatch(
			/\n<ref \*1> Error: spawnSync \/bin\/sh EACCES\n {4}at Object\.<anonymous> \(.*child\.js:1:26\)\n/,
		);
		expect(child.stderr).toContain('"detail":"mode strict refuses it, whatever the policy says"}\n');
		expect(child.stderr).not.toMatch(/throw |problems|passing/);
		expect(child).toMatchObject({ rule: "runtime.children of the policy" });
	});

	it.each(["none", "app", ""])("refuses --node %o, which is no program", (node) => {
		const { run } = signedApp();
		const { status, stderr } = run("--node", node, "app/main.js");
		expect(stderr).toBe(`error: Cannot use ${JSON.stringify(node)} for --node: there is no such program [ERR_USAGE]\n`);
		expect(status).toBe(2);
	});

	it.each([
		["none", "no such file or directory"],
		["file", "not a directory"],
	])("names TMPDIR %s, which is no directory", (name, reason) => {
		const { home, sigtool } = signedApp();
		writeFileSync(join(home, "file"), "");
		const env = { TMPDIR: join(home, name) };
		const { status, stderr } = sigtool(["run", "--allow-development", "app/main.js"], { cwd: home, env });
		expect(stderr).toMatch(new RegExp(`directory for temporary files ".*${name}": ${reason} .*\\[ERR_IO\\]\n$`));
		expect(status).toBe(3);
	});

	it.each(RELEASES)("runs a signed program on Node.js %s, in strict mode too", (release) => {
		const { home, at } = signedApp({ "main.js": "console.log(process.version, process.argv[2])" });
		const node = nodeOfRelease(release);
		const env = { ...LISTED, XDG_CONFIG_HOME: join(home, "config") };
		for (const mode of ["enforce", "strict"]) {
			const args = [MAIN, "run", "-q", "--allow-development", "--mode", mode, at("app/main.js"), mode];
			const { stdout, stderr } = spawnSync(node, args, { env, encoding: "utf8" });
			expect(stderr).toMatch(/^note: app is held against .* this machine's development identity, .*\n$/);
			expect(stdout).toMatch(new RegExp(`^v${release}\\.[\\d.]+ ${mode}\n$`));
		}
	});

	it.each(RELEASES)("runs in strict mode on Node.js %s under a policy that refuses everything", (release) => {
		const { home, at, sigtool } = signedApp({
			"main.js": "console.log('ran')",
			"threads.js": "new (require('node:worker_threads').Worker)('./main.js')",
		});
		const refused = { addons: "refuse", workers: "refuse", stringCode: "refuse", webAssembly: "refuse" };
		writeFileSync(at("policy.json"), JSON.stringify({ version: 1, runtime: refused }));
		const compile = ["compile", "app", "-o", "app.sigx", "--policy", "policy.json", "--allow-development"];
		expect(sigtool(compile, { cwd: home })).toMatchObject({ status: 0 });
		const run = (script: string) => {
			const args = ["run", "-q", "--allow-development", "--index", at("app.sigx"), "--mode", "strict", at(script)];
			const env = { ...LISTED, XDG_CONFIG_HOME: join(home, "config") };
			return spawnSync(nodeOfRelease(release), [MAIN, ...args], { env, encoding: "utf8" });
		};
		expect(run("app/main.js")).toMatchObject({ status: 0, stdout: "ran\n", stderr: expect.stringMatching(NOTE) });
		const { status, stdout, stderr } = run("app/threads.js");
		expect([status, stdout]).toEqual([126, ""]);
		expect(stderr).toContain("worker.spawn");
	});

	it('runs nothing from a changed tree, says "Cannot run" and ends with 126', () => {
		const { run, at } = signedApp();
		writeFileSync(at("app/answer.json"), "43");
		const { status, stdout, stderr } = run("app/main.js");
		expect([status, stdout]).toEqual([126, ""]);
		expect(stderr).toMatch(/^error: Cannot run "app\/main\.js": "answer.json" was modified.*\[ERR_FILE_MODIFIED\]\n$/);
		const json = run("--json", "app/main.js");
		expect(json.json()).toMatchObject({ command: "run", exit: 126, error: { code: "ERR_FILE_MODIFIED" } });
		expect(json.status).toBe(126);
	});

	it("refuses a file that was changed after the start, with an event and status 126", () => {
		const { run, at } = signedApp({
			"main.js": `require("node:fs").writeFileSync("data/late.js", "console.log('evil')"); require("../data/late.js");`,
		});
		mkdirSync(at("data"));
		const { status, stdout, stderr } = run("-q", "--write", "data", "app/main.js");
		expect([status, stdout]).toEqual([126, ""]);
		expect(stderr).toMatch(/late\.js/);
		expect(stderr).toMatch(/error: Cannot run "app\/main\.js": .*126.*\[ERR_UNTRUSTED_CODE\]\n$/);
	});

	it("places its own files beside what the policy of an index grants, as beside --write", () => {
		const { run, at, scratch, sigtool, home } = signedApp();
		writeFileSync(at("policy.json"), JSON.stringify({ version: 1, launch: { write: [scratch] } }));
		const compile = ["compile", "app", "-o", "app.sigx", "--policy", "policy.json", "--allow-development"];
		expect(sigtool(compile, { cwd: home })).toMatchObject({ status: 0 });
		for (const granting of [
			["--index", "app.sigx"],
			["--write", scratch],
		]) {
			const { status, stderr } = run("-q", ...granting, "app/main.js");
			expect(status, stderr).toBe(42);
		}
	});

	it("says of 126 no more than it tells: the launcher may have refused the start", () => {
		const { run } = signedApp();
		const { status, stderr } = run("-q", "--write", "/proc", "app/main.js");
		expect(status).toBe(126);
		expect(stderr).toMatch(/^sigtool-launch: Cannot make "\/proc" writable: /m);
		expect(stderr).toContain("it ended with 126, which means that the start or code was refused; see above");
	});

	it("says how to begin when nothing is signed", () => {
		const home = temporaryDirectory();
		makeTree(join(home, "app"), { "main.js": "" });
		const { status, stderr } = runner(home)(["run", "--allow-development", "app/main.js"], { cwd: home });
		expect(stderr).toMatch(
			/it lies in no signed directory; run `sigtool sign app` first, or name its catalog with --catalog \[ERR_CATALOG_NOT_FOUND\]/,
		);
		expect(status).toBe(126);
	});

	it("says to sign without operands where the project's configuration signs the script", () => {
		const home = temporaryDirectory();
		makeTree(home, { "dist/main.js": "", "other/main.js": "", "sigtool.config.json": '{ "sign": ["dist"] }' });
		const adviceFor = (script: string) => {
			const { stderr } = runner(home)(["run", "--allow-development", script], { cwd: home });
			return /run `(sigtool sign.*?)` first/.exec(stderr)?.[1];
		};
		expect(adviceFor("dist/main.js")).toBe("sigtool sign");
		expect(adviceFor("other/main.js")).toBe("sigtool sign other");
	});

	it("says what is wrong with the script, as JSON if --json stands before it", () => {
		const { run } = signedApp();
		const directory = run("app");
		expect(directory.stderr).toMatch(/Cannot run "app": it is not a file; name the file.*\[ERR_USAGE\]\n$/);
		expect(directory.status).toBe(2);
		const missing = run("--json", "none.js");
		expect(missing.json()).toMatchObject({ command: "run", exit: 2, error: { code: "ERR_ROOT_MISSING" } });
		expect([missing.status, missing.stderr]).toEqual([2, ""]);
	});

	it("uses an index that was compiled before", () => {
		const { sigtool, run, home } = signedApp();
		const compiled = sigtool(["compile", "app", "-o", "app.sigx", "--allow-development"], { cwd: home });
		expect(compiled).toMatchObject({ status: 0 });
		expect(run("--index", "app.sigx", "app/main.js")).toMatchObject({
			status: 42,
			stderr: expect.stringMatching(NOTE),
		});
	});

	it("passes signals on, and ends by the same signal as the program", async () => {
		const { home, scratch } = signedApp({
			"main.js": `
				process.on("SIGTERM", () => { console.log("told"); process.removeAllListeners("SIGTERM"); process.kill(process.pid, "SIGHUP"); });
				setInterval(() => {}, 1000);
				console.log("ready");`,
		});
		const env = { ...process.env, XDG_CONFIG_HOME: join(home, "config"), TMPDIR: scratch };
		const child = spawn(process.execPath, [MAIN, "run", "-q", "--allow-development", "app/main.js"], {
			cwd: home,
			env,
		});
		let output = "";
		child.stdout.on("data", (text) => {
			output += text;
			if (String(text).includes("ready")) child.kill("SIGTERM");
		});
		const signal = await new Promise((resolve) => child.on("exit", (_, by) => resolve(by)));
		expect([output, signal]).toEqual(["ready\ntold\n", "SIGHUP"]);
		expect(readdirSync(scratch)).toEqual([]);
	});
});

/** Matches the note about the development identity, which is printed even with --quiet. */
const NOTE = /^note: a development identity signed ".*app\.sigx"; other machines do not trust it\n$/;

describe("sigtool run", () => {
	it("says how to install a launcher when there is none", () => {
		const home = temporaryDirectory();
		const { status, stderr } = runner(home)(["run", "--prefix", join(home, "none"), "main.js"]);
		expect(stderr).toMatch(
			/Cannot find ".*none\/sigtool-launch": run `sigtool launcher install --prefix \S+\/none`.*\[ERR_LAUNCHER\]/,
		);
		expect(status).toBe(2);
	});

	it("refuses --index and --catalog with an installed launcher, which has its own", () => {
		const { status, stderr } = runner(temporaryDirectory())(["run", "--index", "x.sigx", "main.js"]);
		expect(stderr).toMatch(/--allow-development alone.*\[ERR_USAGE\]/);
		expect(status).toBe(2);
	});

	it("needs a script", () => {
		expect(runner(temporaryDirectory())(["run"]).stderr).toMatch(/missing required argument 'script'/i);
	});
});
