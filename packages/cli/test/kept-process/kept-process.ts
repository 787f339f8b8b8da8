/**
 * Runs the command line in a process that is kept for the runs of a test file, because Node.js and the modules take
 * twenty times as long to start as most commands take. The file child.cjs says how the runs are kept apart. Standard
 * output and standard error of the process are files.
 */

import {
	closeSync,
	constants,
	ftruncateSync,
	mkdtempSync,
	openSync,
	readFileSync,
	readSync,
	rmSync,
	writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execFileSync, spawn } from "../../../../test/outside.js";

export interface KeptRun {
	readonly args: readonly string[];
	readonly cwd?: string | undefined;
	readonly env: Readonly<Record<string, string | undefined>>;
}

export interface KeptOutcome {
	/** The exit status, or null if a signal ended the process. */
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs the built command line `main`. Returns undefined if the run needs a process of its own, and did not begin. */
export function runKept(main: string, run: KeptRun): KeptOutcome | undefined {
	if (!isKept(run)) return undefined;
	kept ??= start(main);
	const { stdout, stderr, requests, answers } = kept;
	for (const file of [stdout, stderr]) ftruncateSync(file);
	const request = Buffer.from(`${JSON.stringify({ ...run, cwd: resolve(run.cwd ?? ""), umask: process.umask() })}\n`);
	for (let at = 0; at < request.length; ) at += writeSync(requests, request, at);
	const answer = readLine(answers);
	const { status = undefined, isLast } = answer === "" ? { status: null, isLast: true } : JSON.parse(answer);
	if (isLast) readLine(answers);
	const outcome = { status, stdout: textOf(stdout), stderr: textOf(stderr) };
	if (isLast) {
		for (const descriptor of Object.values(kept)) closeSync(descriptor);
		kept = undefined;
	}
	return status === undefined ? undefined : outcome;
}

/** Returns false for a run that needs a process of its own. */
function isKept({ args, env }: KeptRun): boolean {
	return (
		process.platform === "linux" &&
		!COMMANDS_WITH_PROCESS.has(args[0] ?? "") &&
		!args.some((each) => each === "-" || each === "--follow" || /^\/(dev|proc)\/|\0/.test(each)) &&
		readAtStart(env) === readAtStart(process.env)
	);
}

/**
 * The commands `run` and `audit` start a program that gets their own streams and signals, and they end with it. Every
 * other reason is in the arguments: streams that are named as files, and a command that goes on until a signal ends it.
 */
const COMMANDS_WITH_PROCESS: ReadonlySet<string> = new Set(["run", "audit"]);

/** Returns the variables that Node.js and the libraries of C read only when a process starts. */
function readAtStart(env: KeptRun["env"]): string {
	const names = /^(?:NODE_|OPENSSL_|SSL_|LD_|FAKETIME|GLIBC_|MALLOC_|UV_|LANG|LC_)/;
	return JSON.stringify(
		Object.entries(env)
			.filter(([name]) => names.test(name))
			.sort(),
	);
}

/** Descriptors of the process that is kept. */
interface Kept {
	readonly stdout: number;
	readonly stderr: number;
	readonly requests: number;
	readonly answers: number;
}

let kept: Kept | undefined;

/** Starts the process. It ends when this one closes the pipe of the requests, or ends itself. */
function start(main: string): Kept {
	const directory = mkdtempSync(join(tmpdir(), "sigtool-kept-"));
	try {
		const [requests, answers] = [openPipe(join(directory, "requests")), openPipe(join(directory, "answers"))];
		const [stdout, stderr] = ["stdout", "stderr"].map((name) => openSync(join(directory, name), "ax+"));
		const child = spawn(process.execPath, [fileURLToPath(new URL("child.cjs", import.meta.url)), main], {
			stdio: ["ignore", stdout, stderr, requests.readEnd, answers.writeEnd],
		});
		child.unref();
		closeSync(requests.readEnd);
		closeSync(answers.writeEnd);
		return { stdout, stderr, requests: requests.writeEnd, answers: answers.readEnd };
	} finally {
		rmSync(directory, { recursive: true });
	}
}

/** Makes a pipe whose ends block, which those of Node.js do not. */
function openPipe(path: string): { readonly readEnd: number; readonly writeEnd: number } {
	execFileSync("mkfifo", [path]);
	// To open one end waits for the other one, except with this flag.
	const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
	const writeEnd = openSync(path, constants.O_WRONLY);
	const readEnd = openSync(path, constants.O_RDONLY);
	closeSync(first);
	return { readEnd, writeEnd };
}

/** Returns the line, or what there is of it if the other end of the pipe was closed. */
function readLine(pipe: number): string {
	const piece = Buffer.alloc(2 ** 10);
	let line = "";
	while (!line.endsWith("\n")) {
		const length = readSync(pipe, piece);
		if (length === 0) return line;
		line += piece.toString("latin1", 0, length);
	}
	return line;
}

/** Reads the file from its start, wherever the last reading ended. */
function textOf(descriptor: number): string {
	return readFileSync(`/proc/self/fd/${descriptor}`, "utf8");
}
