import { once } from "node:events";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nodeOfRelease } from "../../../../scripts/node-releases.mjs";
import { spawn } from "../../../../test/outside.js";
import { type Application, environmentOf, makeApplication, REGISTER, RELEASES, write } from "./application.js";

const VARIABLES: Record<string, string> = {
	NODE_OPTIONS: "--no-warnings",
	NODE_PATH: "/nonexistent",
	NODE_PRESERVE_SYMLINKS: "1",
	NODE_REPL_EXTERNAL_MODULE: "/nonexistent",
	NODE_TEST_CONTEXT: "child",
	LD_LIBRARY_PATH: "/nonexistent",
	OPENSSL_CONF: "/dev/null",
	GLIBC_TUNABLES: "glibc.malloc.check=0",
};

const ARGUMENTS: readonly (readonly string[])[] = [
	["--import", "data:text/javascript,"],
	["--require", "./main.cjs"],
	["--experimental-loader", "data:text/javascript,"],
	["--inspect=0"],
	["--expose-internals"],
	["--allow-natives-syntax"],
	["--preserve-symlinks"],
	["--input-type=module"],
	["--test"],
];

describe.each(RELEASES)("a start on Node.js %s", (release) => {
	let application: Application;
	beforeAll(async () => {
		application = await makeApplication({ "package.json": "{}", "main.cjs": 'console.log("ran")' });
	});
	afterAll(() => application[Symbol.dispose]());

	const refused = (outcome: { status: number | null; stdout: string; stderr: string }, expected = 126) => {
		expect(outcome.stdout, outcome.stderr).not.toContain("ran");
		expect(outcome.status, outcome.stderr).toBe(expected);
	};

	it.each(Object.keys(VARIABLES))("is refused under %s", (name) => {
		refused(application.run(release, ["main.cjs"], { env: { [name]: VARIABLES[name] ?? "" } }));
		expect(application.events().at(-1)).toMatchObject({ event: "cmdline.refused", variable: name });
	});

	it.each([
		[{ env: { NODE_PATH: "/x" } }, 'unsigned code could run because of the environment variable "NODE_PATH"; unset it'],
		[{ nodeArguments: ["--import", "x"] }, 'unsigned code could run because of the option "--import"; leave it out'],
	])("says what is wrong, and the way out: %j", (options, why) => {
		const { stderr } = application.run(release, ["main.cjs"], options);
		expect(stderr).toContain(`sigtool: ERR_START: Cannot start: ${why}, or start with \`sigtool run\`\n`);
	});

	it("is refused without V8's flag when the policy refuses code from text", async () => {
		const files = { "package.json": "{}", "main.cjs": 'console.log("ran"); eval("console.log(\'evaluated\')")' };
		using strict = await makeApplication(files, { policy: { runtime: { stringCode: "refuse" } } });
		const outcome = strict.run(release, ["main.cjs"]);
		refused(outcome);
		expect(outcome.stderr).toContain("which needs the option --disallow-code-generation-from-strings; add it");
		const nodeArguments = ["--disallow-code-generation-from-strings"];
		const { stdout, stderr } = strict.run(release, ["main.cjs"], { nodeArguments });
		expect(stdout).toBe("ran\n");
		expect(stderr).toContain("EvalError");
		expect(stderr).toContain(
			'sigtool: ERR_RUNTIME_RULE: Cannot go on with code.string (kind "eval"): the policy refuses it; to allow it, set runtime.stringCode',
		);
	});

	it("is refused under the compile cache", () => {
		const env = { NODE_COMPILE_CACHE: join(application.home, "cache") };
		refused(application.run(release, ["main.cjs"], { env }));
	});

	it.each(ARGUMENTS)("is refused with %s", (...nodeArguments) => {
		refused(application.run(release, ["main.cjs"], { nodeArguments }));
	});

	it.each([["-e", 'console.log("ran")'], ["-p", '"ran"'], ["-"], []])("is refused without a script: %s", (...args) => {
		refused(application.run(release, args, { input: 'console.log("ran")' }));
	});

	it.each(["--max-old-space-size=256", "--stack-trace-limit=5", "--no-warnings", "--title=app"])(
		"allows %s",
		(argument) => {
			const { status, stdout } = application.run(release, ["main.cjs"], { nodeArguments: [argument] });
			expect({ status, stdout }).toEqual({ status: 0, stdout: "ran\n" });
		},
	);

	it("uses no development configuration or identity unless asked to", () => {
		const register = REGISTER.replace("-development", "");
		const { status, stderr } = application.run(release, ["main.cjs"], { register });
		// The configuration is missing. Somebody may be replacing it just now, so another start may succeed.
		expect(status).toBe(75);
		expect(stderr).toContain("ERR_HOST_CONFIG");
	});

	it.each(["truncated", "flipped", "missing"])("is refused when the index is %s", async (fault) => {
		using broken = await makeApplication({ "main.cjs": 'console.log("ran")' });
		const index = join(broken.home, "app.sigx");
		const bytes = Buffer.from(broken.index());
		if (fault === "flipped") bytes[100] = (bytes[100] ?? 0) ^ 1;
		if (fault === "missing") symlinkSync("/nonexistent", join(broken.home, "elsewhere"));
		else writeFileSync(index, fault === "truncated" ? bytes.subarray(0, -1) : bytes);
		if (fault === "missing") await broken.sign({ configuration: { index: join(broken.home, "elsewhere") } });
		// A short or missing index may be in the middle of a copy, so another start may succeed.
		refused(broken.run(release, ["main.cjs"]), fault === "flipped" ? 126 : 75);
	});

	it("opens no debugger on SIGUSR1", async () => {
		const program = 'process.stdout.write("ready"); setTimeout(() => {}, 60_000);';
		using waiting = await makeApplication({ "main.cjs": program });
		const child = spawn(nodeOfRelease(release), ["--require", REGISTER, "main.cjs"], {
			cwd: waiting.directory,
			env: environmentOf(waiting.home),
		});
		let stderr = "";
		child.stderr.on("data", (data) => {
			stderr += data;
		});
		await once(child.stdout, "data");
		child.kill("SIGUSR1");
		child.kill("SIGTERM");
		await once(child, "exit");
		expect(stderr).toBe("");
	});

	it("only reports in mode audit", async () => {
		using audited = await makeApplication(
			{ "main.cjs": 'require("./added.js"); require("vm").runInThisContext("console.log(1)")' },
			{ policy: { mode: "audit" } },
		);
		write(join(audited.directory, "added.js"), 'console.log("added")');
		const { status, stdout } = audited.run(release, ["main.cjs"]);
		expect({ status, stdout }).toEqual({ status: 0, stdout: "added\n1\n" });
		const reported = audited.events().filter(({ verdict, event }) => verdict !== "allow" && event !== "verifier.start");
		// Enforcement would refuse the file alone: the policy only records text.
		expect(reported.map(({ event, verdict }) => [event, verdict])).toEqual([
			["module.open_code", "audit"],
			["vm.compile", "record"],
		]);
	});
});
