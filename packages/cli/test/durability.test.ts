import { existsSync, readdirSync, readFileSync, watch, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { certificatesFromPem, trustFromCertificates, verifyCatalog, verifyPath } from "@sigtool/core";
import { describe, expect, test } from "vitest";
import { type ChildProcess, spawn } from "../../../test/outside.js";
import { MAIN, makeTree, runner, temporaryDirectory } from "./support.js";

/** Writing, flushing and renaming a megabyte takes about this number of milliseconds. */
const WRITING_MS = 10;
const KILLS = process.env.SIGTOOL_FULL ? 500 : 50;

describe.skipIf(process.platform !== "linux")("a killed sign leaves the old catalog or the new one", () => {
	test(`at ${KILLS} random moments of reading, hashing and writing`, { timeout: 600_000 }, async () => {
		const { root, sigtool, start, catalog, temporary, expectOldOrNew } = signedTree(manyFiles(42, 100));
		const begin = performance.now();
		await finished(start("--sequence", "2"));
		const wholeMs = performance.now() - begin;
		const random = seededRandom(20_261_125);
		for (let kill = 0; kill < KILLS; kill++) {
			const before = readFileSync(catalog);
			const child = start("--sequence", String(100 + kill));
			// Writing takes little of the time. So the delay of every second kill begins when sigtool begins to write.
			// The delay of the other kills begins when sigtool starts.
			if (kill % 2 === 0) await killAfter(random() * wholeMs * 1.05, child);
			else await killAfter(random() * WRITING_MS, child, temporary);
			expectOldOrNew(before, 100 + kill);
		}
		expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
		expect(existsSync(temporary)).toBe(false);
		expect(sigtool(["verify", root])).toMatchObject({
			status: 0,
			stderr: expect.stringMatching(/^note: a development identity signed [^\n]*\n$/),
		});
	});

	test("before every step of writing it, and in the middle of a write", async () => {
		const { home, root, sigtool, trust, catalog, temporary, expectOldOrNew } = signedTree(manyFiles(1, 20));
		const preload = join(home, "kill.cjs");
		writeFileSync(preload, KILL_AT_STEP);
		const outcomes: string[] = [];
		for (let step = 0; outcomes.at(-1) !== "done"; step++) {
			const before = readFileSync(catalog);
			const env = { NODE_OPTIONS: `--require=${preload}`, KILL_AT_STEP: String(step), KILL_TEMPORARY: temporary };
			const { status } = sigtool(["sign", root, "--sequence", String(100 + step)], { env });
			const outcome = expectOldOrNew(before, 100 + step);
			outcomes.push(status === 0 ? "done" : existsSync(temporary) ? `${outcome}, temporary` : outcome);
			// If a temporary file is left over, it is the only finding, and the message explains it.
			const { findings } = await verifyPath(root, { trust });
			const leftover = { code: "ERR_FILE_ADDED", message: expect.stringContaining("an interrupted run leaves it") };
			expect(findings).toMatchObject(existsSync(temporary) ? [leftover] : []);
		}
		const phases = outcomes.filter((outcome, index) => outcome !== outcomes[index - 1]);
		expect(phases).toEqual(["old", "old, temporary", "new", "done"]);
		expect(outcomes.length).toBeGreaterThan(7);
	});

	test("and the next run removes the left-over file, whatever its content", () => {
		const { root, sigtool, catalog, temporary } = signedTree({ a: "1" });
		for (const left of [readFileSync(catalog).subarray(0, 100), "", "not a catalog"]) {
			writeFileSync(temporary, left);
			expect(sigtool(["verify", root, "--json"]).json()).toMatchObject({
				exit: 1,
				results: [{ findings: [{ code: "ERR_FILE_ADDED", path: basename(temporary) }] }],
			});
			expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
			expect(readdirSync(root)).toEqual(["a", "tree.cat"]);
		}
	});
});

/** Makes a tree that a development identity has signed once. */
function signedTree(entries: Record<string, string>) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "tree"), entries);
	const catalog = join(root, "tree.cat");
	const temporary = join(root, ".tree.cat.sigtool-tmp");
	const sigtool = runner(home);
	expect(sigtool(["sign", root, "--sequence", "1"])).toMatchObject({ status: 0 });
	const start = (...args: string[]): ChildProcess => {
		const env = { ...process.env, XDG_CONFIG_HOME: join(home, "config") };
		return spawn(process.execPath, [MAIN, "sign", root, ...args], { env, stdio: "ignore" });
	};
	const development = join(home, "config/sigtool/identities/development/certificate.pem");
	const trust = trustFromCertificates(certificatesFromPem(readFileSync(development, "utf8")));
	/**
	 * Expects the catalog to be either unchanged, or complete and with the given sequence. Returns which of the two it
	 * is.
	 */
	const expectOldOrNew = (before: Buffer, sequence: number): "old" | "new" => {
		const after = readFileSync(catalog);
		if (after.equals(before)) return "old";
		const verified = verifyCatalog(after, { trust });
		expect(verified.facts.sequence).toBe(sequence);
		expect(verified.catalog.members.count).toBe(Object.keys(entries).length);
		return "new";
	};
	return { home, root, catalog, temporary, sigtool, start, trust, expectOldOrNew };
}

function manyFiles(directories: number, filesEach: number): Record<string, string> {
	const entries: Record<string, string> = {};
	for (let d = 0; d < directories; d++) {
		for (let f = 0; f < filesEach; f++) entries[`d${d}/file-${f}.js`] = `export const x${d} = ${f};\n`.repeat(40);
	}
	return entries;
}

/**
 * Kills a process when the delay has passed, counted from now or from the time at which the file `appearing` appears.
 * Resolves when the process has ended, even if it was not killed.
 */
async function killAfter(delayMs: number, child: ChildProcess, appearing?: string): Promise<void> {
	const timers: NodeJS.Timeout[] = [];
	const schedule = () => timers.push(setTimeout(() => child.kill("SIGKILL"), delayMs));
	const watcher =
		appearing === undefined
			? undefined
			: watch(dirname(appearing), (_, name) => {
					if (name === basename(appearing)) schedule();
				});
	if (appearing === undefined) schedule();
	await finished(child);
	watcher?.close();
	timers.forEach(clearTimeout);
}

function finished(child: ChildProcess): Promise<void> {
	return new Promise((resolve) => child.once("exit", () => resolve()));
}

/** The generator of Park and Miller, which gives the same delays in every run. */
function seededRandom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state * 48_271) % 0x7fffffff;
		return state / 0x7fffffff;
	};
}

/**
 * A script to preload into sigtool. It kills the process before the n-th call on the file system, counted from the call
 * that creates the temporary file. If that call is a write, half of the bytes are written first.
 */
const KILL_AT_STEP = `
	const fs = require("node:fs");
	let step = -1;
	for (const name of ["openSync", "fchmodSync", "writeSync", "fsyncSync", "closeSync", "renameSync"]) {
		const call = fs[name];
		fs[name] = (...args) => {
			if (args[0] === process.env.KILL_TEMPORARY || step >= 0) step++;
			if (step === Number(process.env.KILL_AT_STEP)) {
				if (name === "writeSync") call(args[0], args[1], args[2] ?? 0, (args[1].length - (args[2] ?? 0)) >> 1);
				process.kill(process.pid, "SIGKILL");
			}
			return call(...args);
		};
	}
`;
