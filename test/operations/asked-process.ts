/** A process that answers each line that a test writes to it. */

import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import type { Runtime } from "../host/runtimes.js";
import { type ChildProcessWithoutNullStreams, spawn } from "../outside.js";

/**
 * Returns a program that says its release, and loads a module for each line that it reads. A name after `apart` is loaded
 * by a thread or a process that it starts.
 */
export function programOf({ kind }: Runtime, release: number): Record<string, string> {
	if (kind === "python") {
		const main = `
import importlib, os, sys
print("release ${release}", flush=True)
for line in sys.stdin:
    child = os.fork() if line.startswith("apart") else None
    if child:
        os.waitpid(child, 0)
        continue
    print(importlib.import_module(line.split()[1]).value, flush=True)
    if child == 0:
        os._exit(0)
`;
		return { "main.py": main, "late.py": `value = "late ${release}"`, "later.py": `value = "later ${release}"` };
	}
	const main = `
const { createInterface } = require("node:readline");
const { Worker } = require("node:worker_threads");
console.log("release ${release}");
createInterface({ input: process.stdin }).on("line", (line) => {
	const [verb, name] = line.split(" ");
	if (verb === "apart") new Worker(__dirname + "/" + name + ".js").on("message", (value) => console.log(value));
	else console.log(require("./" + name + ".js"));
});`;
	const late = (name: string) => `
const { parentPort } = require("node:worker_threads");
module.exports = "${name} ${release}";
parentPort?.postMessage(module.exports);`;
	return { "main.js": main, "late.js": late("late"), "later.js": late("later") };
}

export class AskedProcess {
	readonly #child: ChildProcessWithoutNullStreams;
	readonly #lines: AsyncIterator<string>;
	/** The exit status. Null if a signal ended the process. */
	readonly ended: Promise<number | null>;
	stderr = "";

	/** The process ends with the test. A test that runs at the same time as others gives another `atEnd`, and ends it. */
	constructor(program: string, args: readonly string[], atEnd: (end: () => void) => void = onTestFinished) {
		this.#child = spawn(program, args, { cwd: "/" });
		atEnd(() => this.kill());
		this.ended = new Promise((resolve) => this.#child.on("close", resolve));
		this.#child.stderr.on("data", (text) => {
			this.stderr += text;
		});
		// A process that has ended takes no line. Its end is the answer.
		this.#child.stdin.on("error", () => {});
		this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
	}

	get pid(): number | undefined {
		return this.#child.pid;
	}

	/** Returns the next line. Undefined if the process has ended. */
	async line(): Promise<string | undefined> {
		return (await this.#lines.next()).value;
	}

	ask(line: string): Promise<string | undefined> {
		this.#child.stdin.write(`${line}\n`);
		return this.line();
	}

	stop(): Promise<number | null> {
		this.#child.stdin.end();
		return this.ended;
	}

	kill(signal: NodeJS.Signals = "SIGKILL"): void {
		this.#child.kill(signal);
	}
}
