/**
 * The story of an upgrade: while one version of the launcher is installed over another, services start, and those that
 * run go on with the version that they started with. An installation that is killed leaves the version before.
 */

import {
	appendFileSync,
	cpSync,
	existsSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { RUNTIMES, type Runtime } from "../host/runtimes.js";
import { type ChildProcess, spawn, spawnSync } from "../outside.js";
import { canOperate, Service } from "./service.js";

const PACKAGES = fileURLToPath(new URL("../../packages", import.meta.url));
const STARTS = 50;

/** Each of these programs prints the directory of the hook that it was started with. */
const FILES = {
	"main.js": `console.log(process.execArgv[1])\n`,
	"main.py": `import re\nprint(re.search(r"/\\S+/parts/\\w+/spython", open("/proc/self/maps").read())[0])\n`,
	// Starts workers one after the other, until it is stopped. Each worker prints what hook.cjs of its version says.
	"serve.js": `
const { Worker, isMainThread } = require("node:worker_threads");
const say = (who) => console.log(who, globalThis.installed, process.execArgv[process.execArgv.indexOf("--require") + 1]);
if (!isMainThread) return say("worker");
say("main");
const next = () => new Worker(__filename).on("exit", () => setTimeout(next, 50));
next();`,
	"serve.py": `
import os, re, time
def say(who):
	print(who, re.search(r"/\\S+/parts/\\w+/spython", open("/proc/self/maps").read())[0], flush=True)
say("main")
while True:
	child = os.fork()
	if child == 0:
		say("worker")
		os._exit(0)
	os.waitpid(child, 0)
	time.sleep(0.05)`,
};

/** A copy of the command line and of the parts that it installs. */
interface Version {
	readonly main: string;
	readonly spython: string;
}

/** Makes a copy whose parts all differ from those of other versions. The hook tells its version to the program. */
function makeVersion(service: Service, { kind }: Runtime, name: string): Version {
	const scope = service.at(`${name}/node_modules/@sigtool`);
	for (const each of ["cli", "verifier"]) {
		for (const part of ["dist", "package.json"]) {
			cpSync(join(PACKAGES, each, part), join(scope, each, part), { recursive: true });
		}
	}
	appendFileSync(join(scope, "verifier/dist/register.cjs"), `;globalThis.installed = ${JSON.stringify(name)};\n`);
	for (const part of ["sigtool-launch", "addon.node", "gate.so"])
		appendFileSync(join(scope, "verifier/dist/native", part), name);
	const spython = service.at(`spython-${name}`);
	if (kind === "python") cpSync(service.at("spython"), spython);
	if (kind === "python") appendFileSync(spython, name);
	return { main: join(scope, "cli/dist/main.cjs"), spython };
}

/** Installs a version, and throws what the command line said if it fails. */
function install(service: Service, { main, spython }: Version, ...more: string[]) {
	const args = [main, ...service.installing({ spython }), ...more];
	const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
	if (status !== 0 && !more.includes("--check")) throw new Error(stderr);
	return { status, ...JSON.parse(stdout === "" || !more.includes("--json") ? "{}" : stdout) };
}

/** Returns the name of the directory of a part, by the settings of the launcher. */
function partOf({ conf }: Service, file: string): string {
	return new RegExp(`/parts/(\\w+)/${file} `).exec(readFileSync(conf, "utf8"))?.[1] ?? "";
}

/** Waits until the output of a process is as `isEnough` demands. */
async function until(child: Output, isEnough: (lines: readonly string[]) => boolean): Promise<readonly string[]> {
	for (let waited = 0; waited < 120_000; waited += 50) {
		const lines = child.text().split("\n").slice(0, -1);
		if (isEnough(lines)) return lines;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	throw new Error(`The process said only: ${child.text()}`);
}

interface Output {
	readonly child: ChildProcess;
	text(): string;
}

function startServing(service: Service, { kind }: Runtime): Output {
	const script = service.at(kind === "node" ? "app/serve.js" : "app/serve.py");
	return start(service.launcher, "--write", service.at("data"), script);
}

function start(program: string, ...args: string[]): Output {
	const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
	let text = "";
	child.stdout.on("data", (chunk) => {
		text += chunk;
	});
	return { child, text: () => text };
}

/** Kills the process at one of the calls that change a file below the prefix. */
const KILL_AT_STEP = `
	const fs = require("node:fs");
	let step = 0;
	for (const name of ["mkdirSync", "chmodSync", "openSync", "writeSync", "fsyncSync", "renameSync", "utimesSync", "rmSync", "unlinkSync"]) {
		const call = fs[name];
		fs[name] = (...args) => {
			const isOurs = typeof args[0] === "number" ? args[0] > 2 : String(args[0]).startsWith(process.env.KILL_BELOW);
			if (isOurs && step++ === Number(process.env.KILL_AT_STEP)) {
				if (name === "writeSync") call(args[0], args[1], args[2] ?? 0, (args[1].length - (args[2] ?? 0)) >> 1);
				process.kill(process.pid, "SIGKILL");
			}
			return call(...args);
		};
	}
`;

describe.skipIf(!canOperate).each(RUNTIMES)(
	"an upgrade under way, $name (as root, with the launcher built)",
	(runtime) => {
		let service: Service;
		let versions: readonly [Version, Version];
		beforeAll(() => {
			service = new Service(runtime, { files: FILES });
			versions = [makeVersion(service, runtime, "first"), makeVersion(service, runtime, "second")];
		});

		it(`${STARTS} starts run while two versions are installed in turn`, async () => {
			const [first, second] = versions;
			install(service, first);
			const commands = versions.map((version) => {
				const words = [process.execPath, version.main, ...service.installing(version)];
				return words.map((word) => `'${word}'`).join(" ");
			});
			writeFileSync(service.at("go"), "");
			const log = service.at("installs");
			const loop = `while [ -e '${service.at("go")}' ]; do ${commands.map((each) => `${each} >/dev/null 2>>'${log}.errors'; echo $? >>'${log}'`).join("; ")}; done`;
			const installer = spawn("sh", ["-c", loop], { stdio: "ignore" });
			const ended = new Promise((resolve) => installer.on("close", resolve));
			const used = new Set<string>();
			const installed = () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
			try {
				for (let i = 0; i < STARTS || installed().length <= STARTS / 5 || used.size < 2; i++) {
					const { status, stdout, stderr } = service.start();
					expect([i, status], stderr).toEqual([i, 0]);
					used.add(dirname(stdout));
				}
			} finally {
				rmSync(service.at("go"));
				await ended;
			}
			expect(readFileSync(`${log}.errors`, "utf8")).toBe("");
			expect(new Set(installed())).toEqual(new Set(["0"]));
			expect(used.size).toBe(2);
			install(service, second);
		});

		it("a service that runs goes on with its version, workers included", async () => {
			const [first, second] = versions;
			install(service, first);
			const serving = startServing(service, runtime);
			try {
				await until(serving, (lines) => lines.filter((line) => line.startsWith("worker")).length >= 3);
				for (let i = 0; i < 3; i++) for (const version of [second, first, second]) install(service, version);
				const before = serving.text().split("\n").length;
				const lines = await until(serving, (all) => all.length >= before + 3);
				const told = new Set(lines.map((line) => line.replace(/^\w+ /, "")));
				expect([...told]).toEqual([
					expect.stringMatching(runtime.kind === "node" ? /^first \S+\/parts\// : /\/parts\//),
				]);
				expect(service.start().stdout).not.toContain([...told][0]?.split(" ").at(-1));
			} finally {
				serving.child.kill("SIGKILL");
			}
		});

		// A process of CPython has no workers.
		if (runtime.kind === "node")
			it("no worker starts with a hook that was replaced in its place", async () => {
				const [first, second] = versions;
				const replace = (path: string) => {
					writeFileSync(`${path}.new`, 'globalThis.installed = "replaced";');
					renameSync(`${path}.new`, path);
				};
				const isReplaced = (lines: readonly string[]) => lines.some((line) => line.startsWith("worker replaced"));
				// Unguarded Node.js reads the hook again for each worker, so a worker runs the replaced hook: the attack works.
				const hook = service.at("plain.cjs");
				writeFileSync(hook, 'globalThis.installed = "first";');
				const plain = start(runtime.program ?? "", "--require", hook, service.at("app/serve.js"));
				try {
					await until(plain, (lines) => lines.length >= 2);
					replace(hook);
					await until(plain, isReplaced);
				} finally {
					plain.child.kill("SIGKILL");
				}

				for (const file of ["register.cjs", "addon.node"]) {
					install(service, second);
					install(service, first);
					const serving = startServing(service, runtime);
					const ended = new Promise((resolve) => serving.child.on("close", resolve));
					await until(serving, (lines) => lines.length >= 2);
					replace(join(service.at("lib/parts"), partOf(service, file), file));
					expect(await ended).toBe(126);
					expect(isReplaced(serving.text().split("\n"))).toBe(false);
					const refused = { event: "worker.spawn", verdict: "refuse", kind: "hook", reason: "ERR_LAUNCHER" };
					expect(service.events().at(-1)).toMatchObject(refused);
				}
				install(service, first);
				expect(service.start().status).toBe(0);
			});

		it("an installation that is killed at any step leaves a version that works", () => {
			const [first, second] = versions;
			const preload = service.at("kill.cjs");
			writeFileSync(preload, KILL_AT_STEP);
			const env = { ...process.env, NODE_OPTIONS: `--require=${preload}`, KILL_BELOW: service.at("lib") };
			install(service, first);
			const before = service.start().stdout;
			expect(before).not.toBe("");
			const outcomes: string[] = [];
			for (let step = 0; outcomes.at(-1) !== "done"; step++) {
				// Without the parts of the second version every step has something to do.
				rmSync(service.at("lib/parts"), { recursive: true, force: true });
				rmSync(service.at("lib/launcher.conf.previous"), { force: true });
				install(service, first);
				const args = [second.main, ...service.installing(second)];
				const { status } = spawnSync(process.execPath, args, { env: { ...env, KILL_AT_STEP: String(step) } });
				const { status: started, stdout, stderr } = service.start();
				expect([step, started], stderr).toEqual([step, 0]);
				outcomes.push(status === 0 ? "done" : stdout === before ? "before" : "after");
			}
			const phases = outcomes.filter((outcome, index) => outcome !== outcomes[index - 1]);
			expect(phases).toEqual(["before", "after", "done"]);
			expect(outcomes.length).toBeGreaterThan(15);
			expect(service.check()).toMatchObject({ status: 0 });
		});

		it("the previous version is kept, and runs again when its settings are put back", () => {
			const [first, second] = versions;
			install(service, first);
			const before = service.start().stdout;
			install(service, second);
			expect(service.start().stdout).not.toBe(before);
			cpSync(`${service.conf}.previous`, service.conf);
			expect(service.start()).toMatchObject({ status: 0, stdout: before });
		});

		it("parts are removed when no process uses them, a month after they were replaced", async () => {
			const [first, second] = versions;
			const third = makeVersion(service, runtime, "third");
			const parts = () => readdirSync(service.at("lib/parts"));
			const age = () => {
				const old = new Date(Date.now() - 31 * 86_400_000);
				for (const name of parts()) utimesSync(service.at(`lib/parts/${name}`), old, old);
			};
			rmSync(service.at("lib"), { recursive: true });
			install(service, first);
			const serving = startServing(service, runtime);
			try {
				const [line = ""] = await until(serving, (lines) => lines.length > 0);
				const own = dirname(line.split(" ").at(-1) ?? "");
				const count = parts().length;
				install(service, second);
				age();
				install(service, third);
				// The previous version is that of `second`. The first one is in use.
				expect([existsSync(own), parts().length]).toEqual([true, 3 * count]);
				serving.child.kill("SIGKILL");
				await new Promise((resolve) => serving.child.on("close", resolve));
				install(service, third);
				expect([existsSync(own), parts().length]).toEqual([false, 2 * count]);
				install(service, first);
				install(service, second);
				// The third version was replaced just now, so it is kept for processes that are starting.
				expect(parts().length).toBe(3 * count);
			} finally {
				serving.child.kill("SIGKILL");
			}
		});

		it("says if something changed, and with --check what would", () => {
			const [first, second] = versions;
			const hook = runtime.kind === "node" ? ["register.cjs", "addon.node", "gate.so"] : ["spython"];
			rmSync(service.at("lib"), { recursive: true });
			const all = [...hook, "sigtool-launch", "launcher.conf"];
			const whole = [...all, "shared index"];
			expect(install(service, first, "--check", "--json")).toMatchObject({ status: 1, changed: true, changes: whole });
			expect(existsSync(service.at("lib"))).toBe(false);
			expect(install(service, first, "--json")).toMatchObject({ status: 0, changed: true, changes: whole });
			expect(install(service, first, "--json")).toMatchObject({ status: 0, changed: false, changes: [] });
			expect(install(service, first, "--check", "--json")).toMatchObject({ status: 0, changed: false });
			expect(install(service, second, "--check", "--json")).toMatchObject({ status: 1, changes: all });
			const strict = install(service, first, "--check", "--json", "--mode", "strict");
			expect(strict).toMatchObject({ status: 1, changes: ["launcher.conf"] });
			// Over a later release the settings come first, because only its launcher starts what both releases name.
			const undo = service.saved(service.conf);
			appendFileSync(service.conf, "later x\n");
			const over = [...hook, "launcher.conf", "sigtool-launch"];
			expect(install(service, second, "--check", "--json", "--mode", "enforce")).toMatchObject({
				status: 1,
				changes: over,
			});
			undo();
			expect(install(service, first, "--check", "--json")).toMatchObject({ status: 0, changed: false });
		});
	},
);
