/**
 * Starts COUNT processes one after the other, and waits until each has printed something. Prints the memory of one
 * process on average in MiB, as the kernel counts it while all of them run, and the processor time of one start, as JSON.
 * Arguments: COUNT PROGRAM ARGUMENT…
 */

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const [count, ...argv] = process.argv.slice(2);
const children = [];
try {
	while (children.length < Number(count)) children.push(await started());
	const costs = children.map(({ pid }) => ({ ...memoryOf(pid), seconds: processorSeconds(pid) }));
	const mean = (key) => costs.reduce((sum, cost) => sum + cost[key], 0) / costs.length;
	process.stdout.write(JSON.stringify({ pss: mean("pss"), own: mean("own"), seconds: mean("seconds") }));
} finally {
	await Promise.all(children.map(ended));
}

function started() {
	return new Promise((resolve, reject) => {
		const child = spawn(argv[0], argv.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
		child.stdout.once("data", () => resolve(child));
		child.once("exit", (status) => reject(new Error(`a process ends with ${status}`)));
	});
}

/** Closes standard input, for which the program waits. */
function ended(child) {
	return new Promise((resolve) => {
		child.once("exit", resolve);
		child.stdin.end();
	});
}

/** `pss` counts each shared page in part, by the number of processes that have it. `own` counts no shared page. */
function memoryOf(pid) {
	const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
	const mib = (key) => Number(new RegExp(`^${key}: +(\\d+) kB$`, "m").exec(text)[1]) / 1024;
	return { pss: mib("Pss"), own: mib("Private_Clean") + mib("Private_Dirty") };
}

/** Returns the time that the threads of a process have run. The first number of schedstat is in nanoseconds. */
function processorSeconds(pid) {
	const threads = readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`);
	return threads.reduce((sum, file) => sum + Number(readFileSync(file, "utf8").split(" ")[0]) / 1e9, 0);
}
