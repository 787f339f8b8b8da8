import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Application, makeApplication, RELEASES, write } from "./application.js";

/** Tries to start the program that is the first argument in every way, and prints what comes of it, as JSON. */
const ATTEMPTS = `
const childProcess = require("node:child_process");
const cluster = require("node:cluster");
const { promisify } = require("node:util");
const file = process.argv[2];
const print = (name, ...values) => console.log(JSON.stringify([name, ...values]));
const told = (error) => {
	const members = Object.entries(error).map(([name, value]) => [name, value instanceof Error ? value.message : value]);
	return { ...Object.fromEntries(members), first: error.stack.split("\\n")[0], class: error.constructor.name };
};
const thrown = (name, action) => {
	try {
		action();
		print(name, "started");
	} catch (error) {
		print(name, told(error));
	}
};
const watch = (name, child) => {
	const seen = ["pid " + child.pid];
	let isLater = false;
	child.on("error", (error) => seen.push(isLater ? "later" : "at once", told(error)));
	child.on("exit", () => seen.push("exit"));
	child.on("close", (...values) => print(name, ...seen, "close", ...values));
	child.stdout?.resume();
	child.stderr?.resume();
	child.stdin?.end();
	isLater = true;
};
const called = (name) => (error, ...output) => print(name, told(error), output);

const ATTEMPTS = {
	spawn: () => watch("spawn", childProcess.spawn(file, ["a", "b"])),
	"spawn without pipes": () => watch("spawn without pipes", childProcess.spawn(file, { stdio: "ignore" })),
	fork: () => watch("fork", childProcess.fork(__filename, ["x"], { execPath: file, execArgv: [], silent: true })),
	execFile: () => childProcess.execFile(file, ["a"], called("execFile")),
	exec: () => childProcess.exec("true", { shell: file }, called("exec")),
	"promisified exec": () => promisify(childProcess.exec)("true", { shell: file }).catch(called("promisified exec")),
	"promisified execFile": () => promisify(childProcess.execFile)(file).catch(called("promisified execFile")),
	spawnSync() {
		const { error, ...result } = childProcess.spawnSync(file, ["a"]);
		print("spawnSync", told(error), result, Object.keys(result));
	},
	"spawnSync by a shell": () => print("spawnSync by a shell", told(childProcess.spawnSync("a", ["b"], { shell: file }).error)),
	"spawnSync with options alone": () => print("spawnSync with options alone", told(childProcess.spawnSync(file, { cwd: "/" }).error)),
	execFileSync: () => thrown("execFileSync", () => childProcess.execFileSync(file, ["a"], { stdio: "pipe" })),
	execSync: () => thrown("execSync", () => childProcess.execSync("a b", { stdio: "pipe", shell: file })),
	cluster() {
		cluster.setupPrimary({ exec: __filename, execArgv: [], silent: true });
		process.execPath = file;
		const worker = cluster.fork();
		worker.on("error", (error) => print("cluster", told(error)));
		worker.process.on("close", (code) => print("cluster close", code, worker.isConnected()));
	},
};
ATTEMPTS[process.argv[3]]();
`;

const NAMES = [
	...["spawn", "spawn without pipes", "fork", "execFile", "exec", "promisified exec", "promisified execFile"],
	...["spawnSync", "spawnSync by a shell", "spawnSync with options alone", "execFileSync", "execSync", "cluster"],
];

describe.each(RELEASES)("a refused child on Node.js %s", (release) => {
	let application: Application;
	/** This program may be executed, and the other may not. Their paths are equally long. */
	let allowed = "";
	let refused = "";
	beforeAll(async () => {
		application = await makeApplication({
			"attempts.cjs": ATTEMPTS,
			"uncaught.cjs": 'require("node:child_process").spawn("/bin/true");',
		});
		[allowed, refused] = [join(application.home, "may"), join(application.home, "not")];
		for (const file of [allowed, refused]) write(file, "#!/bin/sh\necho evil\n");
		chmodSync(allowed, 0o755);
	});
	afterAll(() => application[Symbol.dispose]());

	it.each(NAMES)("looks as if the system refused it, and is one event: %s", (name) => {
		const plain = application.run(release, ["attempts.cjs", refused, name], { register: "none" });
		expect(plain, plain.stderr).toMatchObject({ status: 0, stdout: expect.stringContaining("EACCES") });
		rmSync(join(application.home, "audit.jsonl"), { force: true });
		const { status, stdout, stderr } = application.run(release, ["attempts.cjs", allowed, name]);
		expect(stdout.replaceAll(allowed, refused), stderr).toBe(plain.stdout);
		expect(status).toBe(0);
		expect(application.events().filter(({ event }) => `${event}`.startsWith("child_process."))).toEqual([
			expect.objectContaining({
				verdict: "refuse",
				reason: "ERR_RUNTIME_RULE",
				detail: expect.stringMatching(/^the policy refuses it; to allow it, set runtime\.children in the policy/),
			}),
		]);
	});

	it("ends a program that does not handle the error, as plain Node.js does", () => {
		const { status, stderr } = application.run(release, ["uncaught.cjs"]);
		expect(status).toBe(1);
		expect(stderr).toMatch(/^sigtool: \{.*"event":"child_process\.spawn".*to allow it, set runtime\.children/m);
		expect(stderr).toMatch(/^Error: spawn \/bin\/true EACCES$/m);
	});
});
