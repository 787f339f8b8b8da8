/**
 * Runs the programs of others for tests. No other file of the tests may import `node:child_process`, which `pnpm lint`
 * checks. The functions take the same arguments as those of Node.js. If a program is missing, the running test is
 * skipped by name, or each test of the group whose hook runs.
 *
 * A test may rely on what README.md asks for and on Debian's essential packages. Every other program that a test names
 * has an entry in outside-programs.json, from which `.ci/run` installs its package.
 */

import * as childProcess from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
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

/** Tells whether a program is on the PATH, for `describe.skipIf()`. */
export function hasProgram(program: string, path = process.env.PATH): boolean {
	return (path ?? "").split(delimiter).some((directory) => isExecutable(join(directory, program)));
}

/**
 * Skips the running test if one of the programs is missing, and says which. The functions above do this for what they
 * start; a test says it for what those programs start in their turn.
 */
export function needs(...programs: readonly string[]): void {
	for (const program of programs) requireProgram(program);
}

function requireProgram(program: string, path?: string): void {
	if (hasProgram(program, path)) return;
	const debian = PACKAGES.get(program);
	if (debian === undefined) throw new Error(`Cannot find ${program}: name its package in test/outside-programs.json`);
	skip(`${program} is missing (Debian's package ${debian})`);
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

/** Returns `run` with a look at the programs before they start. While a file is collected, nothing can be skipped. */
function looking<Run extends (...args: never[]) => unknown>(run: Run): Run {
	const looked = (program: string, ...rest: readonly unknown[]) => {
		const args = rest.find((each) => Array.isArray(each)) ?? [];
		const options = rest.find((each): each is childProcess.SpawnOptions => isObject(each));
		if (skipped !== undefined)
			for (const name of programsIn(program, args)) requireProgram(name, options?.env?.PATH ?? process.env.PATH);
		return (run as unknown as (...all: unknown[]) => unknown)(program, ...rest);
	};
	// The result takes and returns what `run` does, in each of its overloads.
	return looked as unknown as Run;
}

/** A command of a shell begins at the start, or after one of these. */
const COMMAND = /(?:^|[;&|({\n!]|\b(?:exec|then|do|else)\s)\s*([\w.-]+)/g;

/** Returns the name of the program, if it is to be looked for on the PATH, and the programs of PACKAGES in its arguments. */
function programsIn(program: string, args: readonly string[]): readonly string[] {
	const named = args.flatMap((argument, index) =>
		args[index - 1] === "-c" || argument.includes("\n")
			? Array.from(argument.matchAll(COMMAND), ([, command]) => command ?? "")
			: [argument],
	);
	const known = STARTER.test(program) ? named.filter((name) => PACKAGES.has(name)) : [];
	return basename(program) !== program ? known : [program, ...known];
}

/** Matches programs that start the programs which their arguments name. */
const STARTER =
	/^(?:.*\/)?(?:bash|chroot|env|faketime|nice|nsenter|prlimit|script|setpriv|setsid|sh|strace|taskset|timeout|unshare)$/;

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
