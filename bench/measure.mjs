import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const CPU_TIME = fileURLToPath(new URL("cpu-time.py", import.meta.url));
/**
 * This Python measures processor time. /usr/bin/python3 is preferred, because `python3` can be the wrapper script of a
 * version manager. Such a script would run before each measured program and change the content of the processor's
 * caches.
 */
const PYTHON = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

/**
 * Measures whole processes with warm caches: their wall time, or with `clock: "processor"` their processor time. First
 * every program runs once unmeasured. It is left out if it fails then, prints nothing, or prints other digests than the
 * first program, and `problem` gets a text about it. Then come `rounds` rounds, and each begins with another program.
 *
 * A program is `{ name, argv, cwd?, hashes?, silent?, before?, evidence? }`:
 * - `hashes`: the output contains digests, which are compared with those of the first program.
 * - `evidence`: another program, which runs after the unmeasured run. Its output is then compared in place of this
 * program's output.
 * - `silent`: the program prints nothing if it succeeds.
 * - `before`: a function that is called before every run. Its time does not count.
 *
 * @returns {Map<string, number[]>} seconds by program name, one number for each round
 */
export function measure(programs, { rounds, env, problem, progress, clock = "wall" }) {
	let expected;
	const able = programs.filter((program) => {
		progress(`warming up: ${program.name}`);
		try {
			program.before?.();
			const own = run(program, env);
			const output = program.evidence === undefined ? own : run(program.evidence, env);
			if (output === "" && !program.silent) throw new Error("prints nothing");
			if (program.hashes) {
				const digests = sumOfDigests(output);
				expected ??= digests;
				if (digests !== expected) throw new Error(`hashes to ${digests}, not ${expected}`);
			}
			return true;
		} catch (error) {
			problem(`${program.name}: ${error.message}`);
			return false;
		}
	});

	const seconds = new Map(able.map(({ name }) => [name, []]));
	for (let round = 0; round < rounds; round++) {
		progress(`round ${round + 1} of ${rounds}`);
		for (let i = 0; i < able.length; i++) {
			const program = able[(round + i) % able.length];
			program.before?.();
			seconds.get(program.name).push(clock === "wall" ? wallTime(program, env) : processorTime(program, env));
		}
	}
	return seconds;
}

function wallTime({ name, argv, cwd }, env) {
	const start = performance.now();
	const { status } = spawnSync(argv[0], argv.slice(1), { cwd, env, stdio: "ignore" });
	if (status !== 0) throw new Error(`Cannot measure ${name}: it succeeded once, then ended with ${status}`);
	return (performance.now() - start) / 1000;
}

/** Returns the user time and system time of the program and its child processes, as the kernel counts them. */
function processorTime({ argv, cwd }, env) {
	return Number(run({ argv: [PYTHON, "-I", CPU_TIME, ...argv], cwd }, env));
}

/** Runs a program to its end. @returns {string} its standard output. @throws {Error} unless it ends with status 0 */
export function run({ argv, cwd }, env) {
	const { error, status, signal, stdout, stderr } = spawnSync(argv[0], argv.slice(1), {
		cwd,
		env,
		encoding: "latin1",
		maxBuffer: 1 << 30,
		stdio: ["ignore", "pipe", "pipe"],
	});
	if (error?.code === "ENOENT") throw new Error(`${argv[0]} is not installed`);
	if (error) throw error;
	if (status !== 0) throw new Error(`ends with ${signal ?? status}: ${reason(stderr).slice(0, 200)}`);
	return stdout;
}

/** Returns the peak resident memory of one run in MiB, as GNU time sees it. Writes to the file `scratch`. @throws as `run` */
export function peakRssMib({ argv, cwd }, { env, scratch }) {
	const output = run({ argv: ["/usr/bin/time", "-f", "%M", "-o", scratch, ...argv], cwd }, env);
	if (output === "") throw new Error("prints nothing");
	return Number(readFileSync(scratch, "utf8")) / 1024;
}

/** @returns {{ median: number, min: number, max: number }} */
export function summary(values) {
	const sorted = values.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
	return { median, min: sorted[0], max: sorted.at(-1) };
}

/** Returns the line of an error output that gives the reason. Node.js and Python print a trace around this line. */
function reason(stderr) {
	const lines = stderr.trim().split("\n");
	return lines.find((line) => /^\S*error\b|cannot/i.test(line)) ?? lines[0];
}

/** Returns "files sum" as hash-tree.c defines them. Reads that program's line, or lines that begin with a digest. */
function sumOfDigests(output) {
	const line = /^(\d+) \d+ ([0-9a-f]{64})\n$/.exec(output);
	if (line) return `${line[1]} ${line[2]}`;
	const sum = new Uint32Array(8);
	let files = 0;
	// hashdeep writes the size before the digest.
	for (const [, hex] of output.matchAll(/^(?:\d+,)?([0-9a-f]{64})\b/gm)) {
		const digest = Buffer.from(hex, "hex");
		for (let word = 0; word < 8; word++) sum[word] += digest.readUInt32LE(4 * word);
		files++;
	}
	return `${files} ${[...sum].map((word) => word.toString(16).padStart(8, "0")).join("")}`;
}
