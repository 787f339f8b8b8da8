/** A program that sends to a collector what a test asks it to, without a hook that would do so. */

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { type ChildProcessWithoutNullStreams, spawn } from "../../../../test/outside.js";
import { Installation } from "./support.js";

/** Answers each line of its input, which is a number and a piece of JavaScript, with the number and the result. */
const PROGRAM = `
const fs = require("node:fs");
const NEVER = new Int32Array(new SharedArrayBuffer(4));
let ticket = 0;
/** Sends a message. If \`waits\` is true, returns what the collector answers, or "late" after 20 seconds. */
function send(text, waits = false) {
	const own = waits ? (ticket += 1 + process.pid * 977) % 0x7fffffff || 1 : 0;
	const bytes = Buffer.concat([Buffer.alloc(4), Buffer.isBuffer(text) ? text : Buffer.from(text)]);
	bytes.writeUInt32LE(own);
	for (;;) {
		try {
			fs.writeSync(5, bytes);
			break;
		} catch (error) {
			if (error.code !== "EAGAIN") throw error;
			Atomics.wait(NEVER, 0, 0, 1);
		}
	}
	const answer = Buffer.alloc(4);
	for (let waited = 0; waits && waited < 20_000; waited++) {
		fs.readSync(6, answer, 0, 4, 4 * (own % 1024));
		if (answer.readUInt32LE() === own) return "written";
		if (answer.readUInt32LE() === own + 0x80000000) return "lost";
		Atomics.wait(NEVER, 0, 0, 1);
	}
	return waits ? "late" : "sent";
}
const event = (name, more) => JSON.stringify({ event: name, verdict: "allow", ...more });
const tell = (name, more) => send(event(name, more), true);
/** Returns the number of the collector, which is a child of this process. */
function collector() {
	const children = fs.readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").trim().split(" ");
	return Number(children.find((child) => /^sigtool-collect/.test(fs.readFileSync("/proc/" + child + "/comm", "utf8"))));
}
const tried = (attempt) => {
	try { return "worked: " + attempt(); } catch (error) { return error.code ?? error.message; }
};
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
	const [number, ...rest] = line.split(" ");
	let result;
	try { result = eval(rest.join(" ")); } catch (error) { result = "error: " + error.message; }
	console.log(number + " " + JSON.stringify(result ?? null));
}).on("close", () => process.exit(0));
`;

export class CollectedInstallation extends Installation {
	readonly events = this.at("log/audit.jsonl");

	constructor(node?: string) {
		super(node);
		mkdirSync(this.at("log"));
		this.write("main.js", PROGRAM);
		this.set("audit", this.events);
		this.set("collector", "use");
	}

	start(options: readonly string[] = ["--mode", "enforce"], before: readonly string[] = []): CollectedProgram {
		const [program = "", ...args] = [
			...before,
			...[this.launcher, "--allow-development", ...options, "--write", this.directoryToWrite(), "main.js"],
		];
		const child = spawn(program, args, { cwd: this.directory, env: { PATH: process.env.PATH ?? "" } });
		onTestFinished(() => void child.kill("SIGKILL"));
		return new CollectedProgram(child);
	}

	private directoryToWrite(): string {
		mkdirSync(this.at("data"), { recursive: true });
		return this.at("data");
	}
}

export class CollectedProgram {
	readonly child: ChildProcessWithoutNullStreams;
	readonly ended: Promise<number | string>;
	stderr = "";
	#asked = 0;
	readonly #answers = new Map<number, (value: never) => void>();

	constructor(child: ChildProcessWithoutNullStreams) {
		this.child = child;
		child.stderr.on("data", (bytes) => {
			this.stderr += bytes;
		});
		createInterface({ input: child.stdout }).on("line", (line) => {
			const space = line.indexOf(" ");
			const answer = this.#answers.get(Number(line.slice(0, space)));
			// The stand-in for the hook prints a line of its own.
			if (answer !== undefined) answer(JSON.parse(line.slice(space)) as never);
		});
		this.ended = new Promise((done) => child.on("close", (status, signal) => done(status ?? signal ?? "")));
	}

	/** Runs JavaScript in the program, and returns its result. */
	ask<Result = string>(code: string): Promise<Result> {
		const number = ++this.#asked;
		return new Promise((answer, refuse) => {
			this.#answers.set(number, answer);
			void this.ended.then((ending) => refuse(new Error(`it ended with ${ending}: ${this.stderr}`)));
			this.child.stdin.write(`${number} ${code.replaceAll(/\s*\n\s*/g, " ")}\n`);
		});
	}

	async end(): Promise<number | string> {
		this.child.stdin.end();
		return await this.ended;
	}
}

/** Tells whether a process runs, and is no zombie. */
export function isRunning(pid: number): boolean {
	try {
		return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
	} catch {
		return false;
	}
}

/** Returns the names of the descriptors of a process, which root can read. */
export function openFilesOf(pid: number): readonly string[] {
	return readdirSync(`/proc/${pid}/fd`);
}
