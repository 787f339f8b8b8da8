import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { nodeOfRelease } from "../scripts/node-releases.mjs";
import { pythons } from "./load-python.mjs";
import { run } from "./measure.mjs";

export const [SMALL, LARGE] = ["small", "large"];
const FILES = { [SMALL]: 10, [LARGE]: 100_000 };

/** Both programs say when they are ready, and wait. */
const MAIN = {
	"main.cjs": "process.stdin.resume(); console.log('ready');\n",
	"main.py": "import sys\nprint('ready', flush=True)\nsys.stdin.read()\n",
};

/** The runtimes that share an index. */
export function sharingRuntimes() {
	const [python] = pythons(true);
	return [
		{ name: "Node.js 20", node: nodeOfRelease("20"), script: "main.cjs" },
		{ name: "Node.js 24", node: nodeOfRelease("24"), script: "main.cjs" },
		...(python === undefined ? [] : [{ name: `CPython ${python.version}`, python, script: "main.py" }]),
	];
}

/**
 * Makes two signed applications, of 10 and of 100,000 files. Root is needed, because processes share only what belongs
 * to root.
 *
 * @param {(...argv: string[]) => string[]} sigtool makes the argv that runs sigtool with these arguments
 * @returns a function that installs a launcher for a runtime and each application, and returns the argv of a start by
 * the size of the application
 */
export function sharedApplications({ scratch, env, sigtool }) {
	if (process.getuid?.() !== 0) throw new Error("only root can share an index");
	const home = join(scratch, "share");
	const application = (size) => join(home, size);
	for (const size of [SMALL, LARGE]) {
		writeApplication(application(size), FILES[size]);
		run({ argv: sigtool("sign", application(size), "--product", "app") }, env);
	}

	return (runtime) => {
		const at = (...names) => join(home, runtime.name.replaceAll(" ", "-"), ...names);
		mkdirSync(at(), { recursive: true });
		const program = runtime.python === undefined ? ["--node", runtime.node] : ["--no-node", "--python", at("spython")];
		if (runtime.python !== undefined) {
			const building = sigtool("python", "build", "--python", runtime.python.executable, "-o", at("spython"));
			run({ argv: [...building, "--allow-development"] }, env);
		}
		const adopted = (runtime.python?.directories ?? []).flatMap((directory) => ["--adopt", directory]);
		const starts = [SMALL, LARGE].map((size) => {
			const [index, config, prefix] = ["sigx", "json", "launcher"].map((name) => at(`${size}.${name}`));
			const compiling = sigtool("compile", application(size), "-o", index, ...adopted, "--json");
			const { signer } = JSON.parse(run({ argv: [...compiling, "--allow-development"] }, env));
			const pins = [{ "spki-sha256": signer.spkiSha256 }];
			writeFileSync(config, JSON.stringify({ version: 1, pins, audit: { stderr: "refusals" } }));
			const installing = sigtool("launcher", "install", "--index", index, "--config", config, "--prefix", prefix);
			run({ argv: [...installing, ...program, "--allow-development"] }, env);
			const script = join(application(size), runtime.script);
			return [size, [join(prefix, "sigtool-launch"), "--allow-development", script]];
		});
		return Object.fromEntries(starts);
	};
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
