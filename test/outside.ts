/**
 * Runs the programs of others for tests. No other file of the tests may import `node:child_process`, which `pnpm lint`
 * checks. The functions take the same arguments as those of Node.js. If a program is missing, the running test is
 * skipped by name, or each test of the group whose hook runs.
 *
 * A test may rely on what README.md asks for and on Debian's essential packages. Every other program that a test names
 * has an entry in outside-programs.json, from which `.ci/run` installs its package.
 */

import * as childProcess from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { beforeAll, type RunnerTestSuite } from "vitest";

export type { ChildProcess, ChildProcessWithoutNullStreams, SpawnSyncReturns } from "node:child_process";

/** Maps each program that a test may miss to the Debian package that has it. */
const PACKAGES: ReadonlyMap<string, string> = new Map(
	Object.entries(JSON.parse(readFileSync(new URL("outside-programs.json", import.meta.url), "utf8"))),
);

export const spawnSync = looking(childProcess.spawnSync);
export const execFileSync = looking(childProcess.execFileSync);
export const spawn = looking(childProcess.spawn);
export const execFile = looking(childProcess.execFile);
export const { fork } = childProcess;

export const isRoot = process.getuid?.() === 0;

/** Tells whether a program is on the PATH, or at its path, for `describe.skipIf()`. */
export function hasProgram(program: string, path = process.env.PATH): boolean {
	if (basename(program) !== program) return isExecutable(program);
	const names = process.platform === "win32" ? [`${program}.exe`, `${program}.cmd`] : [program];
	return (path ?? "").split(delimiter).some((folder) => names.some((name) => isExecutable(join(folder, name))));
}

/** Tells whether C can include a header, which is named as in `#include <openssl/cms.h>`. */
export function hasHeader(name: string): boolean {
	const triplet = `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
	return ["/usr/include", `/usr/include/${triplet}`].some((folder) => existsSync(join(folder, name)));
}

/** Tells whether this user may mount such a file system, in a mount namespace of its own. */
export function canMount(type = "tmpfs"): boolean {
	return isRoot && succeeds("unshare", "--mount", "mount", "-t", type, "none", "/mnt");
}

/** Tells whether this user may take the place of another, and whether that user can run Node.js and read the files. */
export function canBeUser(id: number, ...files: readonly string[]): boolean {
	const asUser = [`--reuid=${id}`, `--regid=${id}`, "--clear-groups"];
	return isRoot && [process.execPath, ...files].every((file) => succeeds("setpriv", ...asUser, "test", "-r", file));
}

/** Remembers the results, because many tests ask the same. */
const results = new Map<string, boolean>();

function succeeds(program: string, ...args: readonly string[]): boolean {
	const command = [program, ...args].join("\0");
	const result = results.get(command) ?? childProcess.spawnSync(program, args).status === 0;
	results.set(command, result);
	return result;
}

/**
 * Skips the running test if one of the programs is missing, and says which. The functions above do this for what they
 * start; a test says it for what those programs start in their turn.
 */
export function needs(...programs: readonly string[]): void {
	for (const program of programs) requireProgram(program);
}

/** While a file is collected, no test can be skipped. Then a program of PACKAGES may be missing. */
function requireProgram(program: string, path?: string): void {
	if (hasProgram(program, path)) return;
	const debian = PACKAGES.get(program);
	if (debian === undefined)
		throw new Error(
			`Cannot find ${program}: install it if README.md asks for it, else name it in outside-programs.json`,
		);
	if (skipped !== undefined) skip(`${program} is missing (Debian's package ${debian})`);
}

/** Skips the running test, or each test of the group whose hook runs, for a reason that the reporter prints. */
export function skip(reason: string): never {
	if (skipped === undefined) throw new Error(`Cannot skip outside of a test: ${reason}`);
	throw skipped(reason);
}

/**
 * Makes the error by which a skipped test ends. Vitest does not export its class, so a test of the file gives it. While
 * the tests are collected, there is none.
 */
let skipped: ((reason: string) => Error) | undefined;

// biome-ignore lint/correctness/noEmptyPattern: Vitest gives the group of tests only behind a pattern.
beforeAll(({}, file) => {
	const test = firstTest(file);
	if (test === undefined) return;
	const { result } = test;
	try {
		test.context.skip();
	} catch (error) {
		const Skip = (error as Error).constructor as new (message: string, task: object, note: string) => Error;
		skipped = (reason) => new Skip("skipped", test, reason);
	}
	test.result = result;
});

function firstTest({ tasks }: Pick<RunnerTestSuite, "tasks">) {
	for (const queue = [...tasks]; queue.length > 0; ) {
		const task = queue.shift();
		if (task?.type === "test") return task;
		queue.unshift(...(task?.tasks ?? []));
	}
	return undefined;
}

/** Returns `run` with a look at the programs before they start. */
function looking<Run extends (...args: never[]) => unknown>(run: Run): Run {
	const looked = (program: string, ...rest: readonly unknown[]) => {
		const args = rest.find((each) => Array.isArray(each)) ?? [];
		const options = rest.find((each): each is childProcess.SpawnOptions => isObject(each));
		const path = options?.env?.PATH ?? process.env.PATH;
		for (const name of programsIn(program, args)) requireProgram(name, path);
		return (run as unknown as (...all: unknown[]) => unknown)(program, ...rest);
	};
	// promisify() has a form of execFile() of its own.
	Object.defineProperties(looked, Object.getOwnPropertyDescriptors(run));
	// The result takes and returns what `run` does, in each of its overloads.
	return looked as unknown as Run;
}

/** Returns the program, unless it is a path, and the programs of PACKAGES that it starts. */
function programsIn(program: string, args: readonly string[]): readonly string[] {
	const words = STARTERS.has(basename(program)) ? args.flatMap((argument) => argument.split(BETWEEN_WORDS)) : [];
	const started = words.filter((word) => PACKAGES.has(word));
	return basename(program) !== program ? started : [program, ...started];
}

/** These programs start the programs that their arguments name. An argument may be a script of a shell. */
const STARTERS: ReadonlySet<string> = new Set(
	"bash chroot env faketime nice nsenter prlimit script setpriv setsid sh strace taskset timeout unshare".split(" "),
);
const BETWEEN_WORDS = /[\s;&|(){}<>"'`$!]+/;

function isObject(value: unknown): boolean {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isExecutable(file: string): boolean {
	try {
		accessSync(file, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}
