/** Tests what the collector and the program may do to each other, and how they begin and end. */

import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { hasProgram, spawn, spawnSync } from "../../../../test/outside.js";
import { readLog } from "./chain.js";
import { CollectedInstallation, isRunning, openFilesOf } from "./collected.js";
import { hasLauncher, isRoot } from "./support.js";

const hasPython = hasProgram("python3");
const SOUND = { broken: [], unchained: [] };
const namesOf = (...files: readonly string[]) => readLog(...files).lines.map(({ event }) => event);

describe.skipIf(!hasLauncher)("the process of the collector (needs the launcher built)", () => {
	it.skipIf(!hasPython)("writes although a reader of the file holds a lock on it (needs python3)", async () => {
		const installation = new CollectedInstallation();
		writeFileSync(installation.events, "", { mode: 0o600 });
		const program = installation.start();
		const holder = `import fcntl, sys; f = open(sys.argv[1]); fcntl.lockf(f, fcntl.LOCK_SH); print("held", flush=True); sys.stdin.read()`;
		const child = spawn("python3", ["-c", holder, installation.events]);
		onTestFinished(() => void child.kill("SIGKILL"));
		await new Promise((done) => child.stdout.once("data", done));
		expect(await program.ask(`tell("a")`)).toBe("written");
		// If the collector waited for the lock each time, none of these would take less than a tenth of a second.
		const quickest = `{ let least = 1e9; for (let i = 0; i < 20; i++) { const start = Date.now(); tell("b"); least = Math.min(least, Date.now() - start); } least }`;
		expect(await program.ask(quickest)).toBeLessThan(50);
		expect(readLog(installation.events)).toMatchObject(SOUND);
	});

	it("cannot be signalled, traced or reached by the program", async () => {
		const installation = new CollectedInstallation();
		const program = installation.start();
		const pid = await program.ask<number>("collector()");
		for (const signal of ["SIGKILL", "SIGSTOP", "SIGTERM", "SIGUSR1"])
			expect(await program.ask(`tried(() => process.kill(${pid}, "${signal}"))`)).toBe("EPERM");
		expect(await program.ask(`tried(() => process.kill(-${pid}, "SIGKILL"))`)).toBe("EPERM");
		for (const file of [...openFilesOf(pid).map((number) => `fd/${number}`), "mem", "environ", "cwd"])
			for (const flags of ["r", "a"])
				expect(await program.ask(`tried(() => fs.openSync("/proc/${pid}/${file}", "${flags}"))`)).toMatch(
					/^E(?:ACCES|PERM|NXIO)$/,
				);
		expect(await program.ask(`tell("a")`)).toBe("written");
	});

	it.skipIf(!isRoot)("has few rights of its own (as root)", async () => {
		const installation = new CollectedInstallation();
		const program = installation.start();
		const pid = await program.ask<number>("collector()");
		const status = readFileSync(`/proc/${pid}/status`, "utf8");
		expect(status).toMatch(/^NoNewPrivs:\t1$/m);
		expect(status).toMatch(/^Seccomp:\t2$/m);
		expect(status).toMatch(/^CapEff:\t0000000000000003$/m);
		expect(status).toMatch(/^CapBnd:\t0000000000000003$/m);
		expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
		// Standard descriptors, the socket, the program, and the file for writing and for reading.
		expect(openFilesOf(pid)).toHaveLength(7);
		expect(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1])).toBeLessThan(4096);
	});

	it.each(["SIGKILL", "SIGTERM", "end"])("ends after the program (%s), not before", async (how) => {
		const installation = new CollectedInstallation();
		const program = installation.start();
		const pid = await program.ask<number>("collector()");
		await program.ask(`for (let i = 0; i < 500; i++) send(event("a"))`);
		expect(isRunning(pid)).toBe(true);
		for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(pid, signal);
		expect(await program.ask(`tell("b")`)).toBe("written");
		if (how === "end") program.child.stdin.end();
		else program.child.kill(how as "SIGKILL");
		await program.ended;
		await expect.poll(() => isRunning(pid), { interval: 20 }).toBe(false);
		expect(namesOf(installation.events).filter((name) => name === "a")).toHaveLength(500);
		expect(namesOf(installation.events).at(-1)).toBe("b");
	});

	it("says that the program has closed its way to it, where the kernel does not prevent that", async () => {
		const installation = new CollectedInstallation();
		const program = installation.start(["--mode", "audit"]);
		await program.ask(`tell("a")`);
		const pid = await program.ask<number>("collector()");
		expect(await program.ask(`tried(() => fs.closeSync(5))`)).toBe("worked: undefined");
		await expect.poll(() => isRunning(pid)).toBe(false);
		expect(namesOf(installation.events)).toEqual(["log.begin", "a", "log.abandoned"]);
		expect(readLog(installation.events)).toMatchObject({ ...SOUND, beginnings: [1] });
	});

	it("keeps the program as process 1 of a container, and has each answered event", (context) => {
		const installation = new CollectedInstallation();
		const isolated = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"];
		const options = isRoot ? isolated.filter((option) => !/user/.test(option)) : isolated;
		if (spawnSync(options[0] ?? "", [...options.slice(1), "true"]).status !== 0) return context.skip("no namespaces");
		for (let i = 0; i < 10; i++) {
			const input = `1 tell("n${i}")\n2 process.pid\n3 process.reallyExit(7)\n`;
			const run = installation.run(["--mode", "enforce", "main.js"], { input, before: options });
			expect([run.status, run.stderr]).toEqual([7, ""]);
			expect(run.stdout).toContain('1 "written"\n2 1\n');
		}
		const log = readLog(installation.events);
		expect(log).toMatchObject({ ...SOUND, beginnings: [1] });
		expect(log.lines.map(({ event }) => event)).toEqual([
			"log.begin",
			...Array.from({ length: 10 }, (_, i) => `n${i}`),
		]);
	});

	it("lets no launch go on without its file", () => {
		const installation = new CollectedInstallation();
		mkdirSync(installation.events);
		const run = installation.run(["--mode", "enforce", "main.js"]);
		expect(run.stderr).toMatch(/^sigtool-launch: ERR_AUDIT_SINK: Cannot write audit events to ".*": Is a directory\n$/);
		expect(run.status).toBe(126);
	});

	it("is not started in mode off", () => {
		const installation = new CollectedInstallation();
		const run = installation.run(["--mode", "off", "main.js"], {
			input: `1 tried(() => fs.fstatSync(5).isSocket())\n`,
		});
		expect(run.stdout).not.toContain("true");
		expect(statSync(installation.events, { throwIfNoEntry: false })).toBeUndefined();
	});
});
