/** Measures what a large trust index costs each process that the launcher starts: memory, and processor time. */

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { nodeOfRelease } from "../scripts/node-releases.mjs";
import { pythons } from "./load-python.mjs";
import { run } from "./measure.mjs";

export const [SMALL, LARGE] = ["small", "large"];
const MANY_FILES = 100_000;

/** Both programs say when they are ready, and wait. The kernel has then counted everything that a start costs. */
const MAIN = {
	"main.cjs": "process.stdin.resume(); console.log('ready');\n",
	"main.py": "import sys\nprint('ready', flush=True)\nsys.stdin.read()\n",
};

export function runtimes() {
	const [python] = pythons(true);
	return [
		{ name: "Node.js 20", node: nodeOfRelease("20"), script: "main.cjs" },
		{ name: "Node.js 24", node: nodeOfRelease("24"), script: "main.cjs" },
		...(python === undefined ? [] : [{ name: `CPython ${python.version}`, python, script: "main.py" }]),
	];
}

/**
 * Makes two signed applications with a launcher each: one has few files, the other 100,000 more. Root is needed, because
 * a process shares only what belongs to root.
 *
 * @param {(...argv: string[]) => string[]} sigtool makes the argv that runs sigtool with these arguments
 * @returns {(size: string) => string[]} the argv that starts the application of that size
 */
export function sharingHost(runtime, { scratch, env, sigtool }) {
	if (process.getuid?.() !== 0) throw new Error("only root can share an index");
	const home = join(scratch, "share", runtime.name.replaceAll(" ", "-"));
	const at = (...names) => join(home, ...names);
	const spython = runtime.python && at("spython");
	mkdirSync(home, { recursive: true });
	if (spython) {
		const building = sigtool("python", "build", "--python", runtime.python.executable, "-o", spython);
		run({ argv: [...building, "--allow-development"] }, env);
	}
	const adopted = (runtime.python?.directories ?? []).flatMap((each) => ["--adopt", each]);
	const program = spython ? ["--no-node", "--python", spython] : ["--node", runtime.node];
	for (const size of [SMALL, LARGE]) {
		writeApplication(at(size, "app"), size === LARGE ? MANY_FILES : 10);
		run({ argv: sigtool("sign", at(size, "app"), "--product", "app") }, env);
		const compiling = sigtool("compile", at(size, "app"), "-o", at(size, "app.sigx"), ...adopted, "--json");
		const { signer } = JSON.parse(run({ argv: [...compiling, "--allow-development"] }, env));
		const pins = [{ "spki-sha256": signer.spkiSha256 }];
		writeFileSync(at(size, "verifier.json"), JSON.stringify({ version: 1, pins, audit: { stderr: "refusals" } }));
		const places = [
			"--index",
			at(size, "app.sigx"),
			"--config",
			at(size, "verifier.json"),
			"--prefix",
			at(size, "lib"),
		];
		run({ argv: [...sigtool("launcher", "install", ...places, ...program), "--allow-development"] }, env);
	}
	return (size) => [at(size, "lib/sigtool-launch"), "--allow-development", at(size, "app", runtime.script)];
}

function writeApplication(directory, count) {
	const made = new Set();
	for (let i = 0; i < count; i++) {
		const name = `node_modules/@organization/package-of-many-${i % 1000}/distribution/internal/esm/module-${i}.js`;
		const file = join(directory, name);
		if (!made.has(dirname(file))) mkdirSync(dirname(file), { recursive: true });
		made.add(dirname(file));
		writeFileSync(file, `${i}\n`);
	}
	for (const [name, text] of Object.entries(MAIN)) writeFileSync(join(directory, name), text);
}

/**
 * Starts `count` processes one after the other, and waits until all are ready.
 *
 * @returns {Promise<{ pss: number, own: number, rss: number, seconds: number }>} the memory of one process on average in
 * MiB, as the kernel counts it while all of them run, and the processor time of one start
 */
export async function costOf(argv, count, env) {
	const children = [];
	try {
		for (let i = 0; i < count; i++) children.push(await started(argv, env));
		const sum = { pss: 0, own: 0, rss: 0, seconds: 0 };
		for (const { pid } of children) {
			const memory = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
			const mib = (key) => Number(new RegExp(`^${key}: +(\\d+) kB$`, "m").exec(memory)[1]) / 1024;
			sum.pss += mib("Pss");
			sum.own += mib("Private_Clean") + mib("Private_Dirty");
			sum.rss += mib("Rss");
			sum.seconds += processorSeconds(pid);
		}
		return Object.fromEntries(Object.entries(sum).map(([key, value]) => [key, value / count]));
	} finally {
		await Promise.all(children.map(ended));
	}
}

function started(argv, env) {
	return new Promise((resolve, reject) => {
		const child = spawn(argv[0], argv.slice(1), { env, stdio: ["pipe", "pipe", "pipe"] });
		let says = "";
		child.stderr.on("data", (text) => {
			says += text;
		});
		child.stdout.once("data", () => resolve(child));
		child.once("exit", (status) => reject(new Error(`ends with ${status}: ${says}`)));
	});
}

/** Closes standard input, for which the program waits. */
function ended(child) {
	return new Promise((resolve) => {
		child.once("exit", resolve);
		child.stdin.end();
	});
}

/** Returns the time that all threads of a process have run, from fields 14 and 15 of /proc/PID/stat in ticks of 10 ms. */
function processorSeconds(pid) {
	const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
		.replace(/^.*\) /s, "")
		.split(" ");
	return (Number(fields[11]) + Number(fields[12])) / 100;
}
