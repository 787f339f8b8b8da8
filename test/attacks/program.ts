/** Runs one program of a suite and collects its output, until it ends or has run long enough. */

import { closeSync, openSync } from "node:fs";
import { spawn } from "../outside.js";
import { GOOD_MARKER, MARKER } from "./technique.js";

export interface Run {
	/** True if unsigned code ran. */
	readonly evil: boolean;
	/** True if a control program did its work. */
	readonly good: boolean;
	readonly status: number | null;
	readonly output: string;
	readonly late: boolean;
}

export interface Program {
	readonly command: readonly string[];
	readonly directory: string;
	readonly environment: NodeJS.ProcessEnv;
	/** The file for standard input. Default: /dev/null. */
	readonly input?: string | undefined;
	/** When the output matches, the wait ends, because a parent process may continue after a refusal. */
	readonly settled: RegExp;
}

const LIMIT_MS = 60_000;

export function runProgram({ command, directory, environment, input = "/dev/null", settled }: Program): Promise<Run> {
	const [program = "", ...args] = command;
	const stdin = openSync(input, "r");
	return new Promise((resolve, reject) => {
		const child = spawn(program, args, {
			cwd: directory,
			env: environment,
			stdio: [stdin, "pipe", "pipe"],
			detached: true,
		});
		closeSync(stdin);
		let output = "";
		let late = false;
		// The child process is detached, so its process group contains only its own processes.
		const end = () => {
			try {
				process.kill(-(child.pid ?? Number.NaN), "SIGKILL");
			} catch {}
		};
		const timer = setTimeout(() => {
			late = true;
			end();
		}, LIMIT_MS);
		let settling: NodeJS.Timeout | undefined;
		for (const stream of [child.stdout, child.stderr])
			stream?.on("data", (chunk: Buffer) => {
				output += chunk.toString("latin1");
				if (settling === undefined && settled.test(output)) settling = setTimeout(end, 1_500);
			});
		child.on("error", reject);
		child.on("close", (status) => {
			clearTimeout(timer);
			clearTimeout(settling);
			end();
			resolve({ evil: output.includes(MARKER), good: output.includes(GOOD_MARKER), status, output, late });
		});
	});
}

/** Runs `work` for all items, `width` at a time. Returns the results in the order of the items. */
export async function pool<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
	const results: R[] = [];
	let next = 0;
	const worker = async () => {
		for (let index = next++; index < items.length; index = next++) {
			const item = items[index] as T;
			results[index] = await work(item);
		}
	};
	await Promise.all(Array.from({ length: width }, worker));
	return results;
}
