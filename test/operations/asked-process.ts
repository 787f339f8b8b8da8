/** A process of a launcher that loads one module for each line that a test writes to it. */

import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { type ChildProcess, spawn } from "../outside.js";
import type { Runtime } from "./site.js";

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
	readonly #child: ChildProcess;
	readonly #lines: AsyncIterator<string>;
	stderr = "";

	constructor(launcher: string, script: string) {
		this.#child = spawn(launcher, [script], { cwd: "/" });
		onTestFinished(() => void this.#child.kill("SIGKILL"));
		this.#child.stderr?.on("data", (text) => {
			this.stderr += text;
		});
		this.#lines = createInterface({ input: this.#child.stdout ?? process.stdin })[Symbol.asyncIterator]();
	}

	get pid(): number | undefined {
		return this.#child.pid;
	}

	async line(): Promise<string | undefined> {
		return (await this.#lines.next()).value;
	}

	ask(line: string): Promise<string | undefined> {
		this.#child.stdin?.write(`${line}\n`);
		return this.line();
	}

	async stop(): Promise<unknown> {
		const ended = once(this.#child, "exit");
		this.#child.stdin?.end();
		return (await ended)[0];
	}
}
