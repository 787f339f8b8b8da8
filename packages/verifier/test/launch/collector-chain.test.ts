/** Tests that the chain of the collector covers the whole log, whatever happens to its file. */

import {
	appendFileSync,
	chmodSync,
	chownSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { readLog } from "./chain.js";
import { CollectedInstallation } from "./collected.js";
import { hasLauncher, isRoot } from "./support.js";

const SOUND = { broken: [], unchained: [] };
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const namesOf = (...files: readonly string[]) => readLog(...files).lines.map(({ event }) => event);
/** Does what logrotate does with `create`. */
function rotate(events: string, number: number): void {
	renameSync(events, `${events}.${number}`);
	writeFileSync(events, "", { mode: 0o600 });
}

describe.skipIf(!hasLauncher)("the chain of the collector (needs the launcher built)", () => {
	it("goes on with the chain of a file at the next start", async () => {
		const installation = new CollectedInstallation();
		for (const name of ["a", "b"]) {
			const program = installation.start();
			await program.ask(`tell("${name}")`);
			await program.end();
		}
		expect(namesOf(installation.events)).toEqual(["log.begin", "a", "b"]);
		expect(readLog(installation.events)).toMatchObject({ ...SOUND, beginnings: [1] });
	});

	const FOREIGN = '{"event":"foreign"}';
	/** Changes each line of the file in turn, and expects that the chain shows it, but for the last line. */
	function expectCovered(events: string): void {
		const lines = readFileSync(events, "utf8").split("\n").slice(0, -1);
		const copy = `${events}.copy`;
		for (let at = 0; at < lines.length - 1; at++)
			for (const changed of [lines.with(at, `x${lines[at]}`), lines.toSpliced(at, 1)]) {
				writeFileSync(copy, changed.map((line) => `${line}\n`).join(""));
				expect(readLog(copy).broken, `line ${at}`).not.toEqual([]);
			}
	}

	it("covers the lines that something else has appended, however many", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		writeFileSync(events, `${FOREIGN}\n\n${FOREIGN}\n`, { mode: 0o600 });
		const program = installation.start();
		await program.ask(`tell("a")`);
		for (const text of [`${FOREIGN}\n`, `${FOREIGN}\n`.repeat(3), "\n\n", "x", "\n"]) {
			appendFileSync(events, text);
			await program.ask(`tell("b")`);
		}
		appendFileSync(events, `${FOREIGN}\n`);
		await program.end();
		appendFileSync(events, `${FOREIGN}\n`);
		await installation.start().ask(`tell("c")`);
		expect(readLog(events)).toMatchObject({ broken: [], beginnings: [] });
		expect(readLog(events).unchained).toHaveLength(13);
		expectCovered(events);
	});

	it("covers lines of any length, also one that seems to have a digest", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		const program = installation.start();
		await program.ask(`tell("a")`);
		for (const length of [131_156, 131_157, 262_387, 262_388, 262_389, 600_000]) {
			appendFileSync(events, `${FOREIGN}\n${"x".repeat(length)}\n`);
			appendFileSync(events, `${"x".repeat(length)},"chain":"${"1".repeat(64)}"}\n${FOREIGN}\n`);
			await program.ask(`tell("b")`);
		}
		// The collector reads 262,464 bytes at a time, and sees what seems to be the end of a line before them.
		appendFileSync(events, `${FOREIGN}\n${"x".repeat(100)},"chain":"${"1".repeat(64)}"}${"y".repeat(262_463)}\n`);
		await program.ask(`tell("b")`);
		// One of them is short enough to count as a line with a digest, which is wrong.
		const { broken } = readLog(events);
		expect(broken).toHaveLength(1);
		await program.end();
		await installation.start().ask(`tell("c")`);
		expect(readLog(events).broken).toEqual(broken);
	});

	it("says so when it found more lines of others than it reads", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		const program = installation.start();
		await program.ask(`tell("a")`);
		const line = `${"x".repeat(1023)}\n`;
		appendFileSync(events, line.repeat(16 << 10));
		expect(await program.ask(`tell("b")`)).toBe("written");
		expect(readLog(events)).toMatchObject({ broken: [], beginnings: [1] });
		appendFileSync(events, line.repeat((16 << 10) + 1));
		expect(await program.ask(`tell("c")`)).toBe("written");
		expect(readLog(events).beginnings).toHaveLength(2);
		expect(readLog(events).lines.slice(-2)).toMatchObject([
			{ event: "log.begin", kind: "uncovered", chain: "0".repeat(64) },
			{ event: "c" },
		]);
		// The part of a long line that is read seems to be a line with a digest.
		appendFileSync(events, `${"x".repeat(131_232)},"chain":"${"1".repeat(64)}"}\n`);
		appendFileSync(events, `${line.repeat((16 << 10) - 1)}${"x".repeat(923)}\n`);
		await program.ask(`tell("d")`);
		expect(readLog(events)).toMatchObject({ broken: [], beginnings: { length: 3 } });
		// Lines with a digest behind them are found, also at a start.
		appendFileSync(events, line.repeat(1000));
		await program.end();
		await installation.start().ask(`tell("e")`);
		expect(readLog(events)).toMatchObject({ broken: [], beginnings: { length: 3 } });
	});

	it("ends a line that a crash has cut, and covers it", async () => {
		const installation = new CollectedInstallation();
		writeFileSync(installation.events, '{"event":"whole"}\n{"event":"ha', { mode: 0o600 });
		const program = installation.start();
		await program.ask(`tell("a")`);
		expect(readFileSync(installation.events, "utf8")).toMatch(/^\{"event":"whole"\}\n\{"event":"ha\n\{"event":"a"/);
		expect(readLog(installation.events).broken).toEqual([]);
		expectCovered(installation.events);
	});

	it("takes a line for whole of which only the line feed is missing", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		const first = installation.start();
		await first.ask(`tell("a")`);
		await first.end();
		truncateSync(events, statSync(events).size - 1);
		await installation.start().ask(`tell("b")`);
		expect(readLog(events)).toMatchObject({ ...SOUND, beginnings: [1] });
		expect(namesOf(events)).toEqual(["log.begin", "a", "b"]);
	});

	it("goes on with the chain of a rotated file behind lines of others", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		const program = installation.start();
		await program.ask(`tell("a")`);
		appendFileSync(events, `${FOREIGN}\n`);
		rotate(events, 1);
		appendFileSync(events, `${FOREIGN}\n${FOREIGN}\n`);
		await program.ask(`tell("b")`);
		expect(namesOf(events)).toEqual(["foreign", "foreign", "log.begin", "b"]);
		expect(readLog(`${events}.1`, events)).toMatchObject({ broken: [], beginnings: [1], unchained: [3, 4, 5] });
	});

	it("begins a rotated file with the end of the file before", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		const program = installation.start();
		await program.ask(`tell("a")`);
		rotate(events, 1);
		await program.ask(`tell("b")`);
		await program.ask(`tell("c")`);
		expect(namesOf(events)).toEqual(["log.begin", "b", "c"]);
		expect(readLog(events).lines[0]).toMatchObject({ kind: "rotated" });
		expect(readLog(`${events}.1`, events)).toMatchObject({ ...SOUND, beginnings: [1] });
	});

	it("keeps one chain whatever others append, through restarts, rotation and cuts", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		let program = installation.start();
		const files: string[] = [];
		const forged = `,"chain":"${"1".repeat(64)}"}`;
		const PIECES = [
			"\n",
			"x",
			`${FOREIGN}\n`,
			forged.slice(1),
			`{"a":1${forged.slice(0, -1)}`,
			"y".repeat(131_300),
			"\n\n",
		];
		// The generator of Park and Miller: the same steps each time.
		let state = 20_261_129;
		const below = (bound: number) => {
			state = (state * 48_271) % 0x7fffffff;
			return state % bound;
		};
		await program.ask(`tell("first")`);
		for (let step = 0; step < 250; step++) {
			const kind = below(20);
			if (kind === 0) {
				await program.end();
				program = installation.start();
			} else if (kind === 1) {
				// A collector has opened the file only when it has answered.
				await program.ask(`tell("end")`);
				appendFileSync(events, PIECES[below(PIECES.length)] ?? "");
				rotate(events, files.length);
				files.push(`${events}.${files.length}`);
				// A collector that starts with this file could not know the one before.
				if (below(2) > 0) appendFileSync(events, `${FOREIGN}\n\n`);
				await program.ask(`tell("rotated")`);
			} else if (kind === 2) {
				await program.ask(`tell("end")`);
				writeFileSync(`${events}.${files.length}`, readFileSync(events));
				files.push(`${events}.${files.length}`);
				truncateSync(events);
				await program.ask(`tell("cut")`);
			}
			for (let pieces = below(4); pieces > 0; pieces--) appendFileSync(events, PIECES[below(PIECES.length)] ?? "");
			if (below(4) > 0)
				expect(await program.ask(`tell("${step}", { path: "${"z".repeat(below(300))}" })`)).toBe("written");
		}
		await program.ask(`tell("last")`);
		expect(readLog(...files, events)).toMatchObject({ broken: [], beginnings: [1] });
	});

	it("shows that lines were taken out of the file", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		const program = installation.start();
		await program.ask(`tell("a"), tell("b")`);
		truncateSync(events, readFileSync(events).lastIndexOf('{"event":"b"'));
		await program.ask(`tell("c")`);
		expect(namesOf(events)).toEqual(["log.begin", "a", "log.begin", "c"]);
		expect(readLog(events)).toMatchObject({ broken: [3], unchained: [] });
		expect(readLog(events).lines[2]).toMatchObject({ kind: "cut" });
	});

	it("goes on after copytruncate with the chain of the copy", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		const program = installation.start();
		await program.ask(`tell("a")`);
		writeFileSync(`${events}.1`, readFileSync(events));
		truncateSync(events);
		await program.ask(`tell("b")`);
		expect(readLog(`${events}.1`, events)).toMatchObject({ ...SOUND, beginnings: [1] });
	});

	it("keeps one chain when several programs write to one file while it is rotated", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		const programs = [installation.start(), installation.start(), installation.start()];
		let isDone = false;
		const code = (name: number) => `{ let all = ""; for (let i = 0; i < 400; i++) all = tell("${name}"); all }`;
		const asked = Promise.all(programs.map((program, i) => program.ask(code(i)))).finally(() => {
			isDone = true;
		});
		const rotated: string[] = [];
		const isUsed = () => isDone || (statSync(events, { throwIfNoEntry: false })?.size ?? 0) > 0;
		while (!isDone && rotated.length < 5) {
			await expect.poll(isUsed, { interval: 10 }).toBe(true);
			rotate(events, rotated.length);
			rotated.push(`${events}.${rotated.length}`);
		}
		expect(await asked).toEqual(["written", "written", "written"]);
		const log = readLog(...rotated, events);
		expect(log).toMatchObject({ ...SOUND, beginnings: [1] });
		for (const name of ["0", "1", "2"]) expect(log.lines.filter(({ event }) => event === name)).toHaveLength(400);
	});

	it.skipIf(!isRoot)("says that nobody saw what was there before, if this user may only append (as root)", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		chmodSync(installation.directory, 0o755);
		mkdirSync(installation.at("data"), { recursive: true });
		writeFileSync(events, '{"event":"before"}\n');
		chownSync(events, 0, 65534);
		chmodSync(events, 0o620);
		const program = installation.start(["--mode", "enforce"], [...NOBODY]);
		expect(await program.ask(`tell("a"), tell("b")`)).toBe("written");
		expect(namesOf(events)).toEqual(["before", "log.begin", "a", "b"]);
		expect(readLog(events)).toMatchObject({ broken: [], beginnings: [2], unchained: [1] });
		expect(readLog(events).lines[1]).toMatchObject({ kind: "unreadable" });
	});

	it.skipIf(!isRoot)(
		"tells that a disk is full, counts what it lost, and goes on with the chain (as root)",
		async () => {
			const installation = new CollectedInstallation();
			const { events } = installation;
			const log = installation.at("log");
			expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=16k", "none", log]).status).toBe(0);
			onTestFinished(() => void spawnSync("umount", ["--lazy", log]));
			const program = installation.start();
			expect(await program.ask(`tell("a")`)).toBe("written");
			spawnSync("sh", ["-c", `cat /dev/zero > ${log}/filler`]);
			const many = `{ let lost = 0; for (let i = 0; i < 60; i++) if (tell("many", { path: "x".repeat(90) }) === "lost") lost++; lost }`;
			expect(await program.ask<number>(many)).toBeGreaterThan(20);
			expect(await program.ask(`{ for (let i = 0; i < 7; i++) send(event("unanswered")); tell("no") }`)).toBe("lost");
			rmSync(join(log, "filler"));
			for (const name of ["b", "c"]) expect(await program.ask(`tell("${name}")`)).toBe("written");
			const { lines, broken } = readLog(events);
			expect(broken).toEqual([]);
			expect(lines.at(-1)).toMatchObject({ event: "c" });
			expect(lines.filter(({ event }) => event === "verifier.dropped")).toMatchObject([{ count: 7 }]);
		},
	);

	it.skipIf(!isRoot)("covers what a full disk has cut, again and again (as root)", async () => {
		const installation = new CollectedInstallation();
		const { events } = installation;
		const log = installation.at("log");
		const page = 4096;
		const fillers: string[] = [];
		expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", log]).status).toBe(0);
		onTestFinished(() => void spawnSync("umount", ["--lazy", log]));
		const program = installation.start();
		expect(await program.ask(`tell("a")`)).toBe("written");
		const free = () => rmSync(fillers.pop() ?? "");
		/** Lets the collector write a page of a line that is longer. */
		const tear = async () => {
			free();
			expect(await program.ask(`tell("torn", { path: "x".repeat(${2 * page}) })`)).toBe("lost");
			expect(readFileSync(events).at(-1)).not.toBe(0x0a);
		};
		expect(() => {
			for (;;) {
				fillers.push(join(log, `filler.${fillers.length}`));
				writeFileSync(fillers.at(-1) ?? "", Buffer.alloc(page));
			}
		}).toThrow("ENOSPC");
		free();
		for (let i = 0; i < 3; i++) await tear();
		free();
		expect(await program.ask(`tell("b")`)).toBe("written");
		await tear();
		// A copy that ends with a torn line, as copytruncate makes one.
		const copy = installation.at("copy");
		writeFileSync(copy, readFileSync(events));
		truncateSync(events);
		expect(await program.ask(`tell("c")`)).toBe("written");
		expect(readLog(copy, events)).toMatchObject({ broken: [], beginnings: [1] });
		expect(readLog(copy).unchained).toHaveLength(4);
		expect(readLog(events).lines).toMatchObject([{ event: "log.begin", kind: "cut" }, { event: "c" }]);
	});
});
