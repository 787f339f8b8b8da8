/** A spython that was built: building it, what it says of itself, and where this user's own is. */

import { spawnSync } from "node:child_process";
import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { configDirectory } from "@sigtool/core";
import { quote, SigtoolError } from "@sigtool/core/errors";
import { verifierDirectory } from "../native/native-parts.js";
import { environmentWithoutSecrets } from "../options/secret-variables.js";

export interface SpythonFacts {
	/** Of the CPython in it, e.g. `3.13.5`. */
	readonly python: string;
	/** Prefix of its library. */
	readonly home: string;
	/** The Python it was built like, as `sys.executable` says it. */
	readonly executable: string;
	/** What that is: the program it is loaded into. */
	readonly program: string;
	/** Keys that may sign, as hexadecimal SHA-256. */
	readonly pins: readonly string[];
	/** One of the keys is a development identity's. */
	readonly development: boolean;
}

/** Where `sigtool python build` puts it, and `sigtool run` looks for it. */
export function ownSpython(): string {
	return join(configDirectory(), "spython");
}

/** What a spython says of itself. @throws ERR_LAUNCHER when it is none */
export function aboutSpython(program: string): SpythonFacts {
	const { stdout, stderr } = spawnSync(resolve(program), ["--about"], { encoding: "utf8", env: {}, timeout: 10_000 });
	try {
		const facts = JSON.parse(stdout ?? "") as SpythonFacts; // Checked here.
		const texts = [facts.python, facts.home, facts.executable, facts.program, ...facts.pins];
		if (texts.every((text) => typeof text === "string") && typeof facts.development === "boolean") return facts;
	} catch {
		// Said below.
	}
	// The dynamic loader's words, where a library is missing.
	const said = stderr?.trim().split("\n").pop() ?? "";
	const reason = existsSync(program) ? `it is no spython${said === "" ? "" : ` (${said})`}` : "it does not exist";
	const message = `Cannot use ${quote(program)}: ${reason}; \`sigtool python build\` makes one`;
	throw new SigtoolError("ERR_LAUNCHER", message, { path: program });
}

/** The Python to compile for where none is named: the one this user's spython was built like, where there is one. */
export function usualPython(): string {
	return existsSync(ownSpython()) ? aboutSpython(ownSpython()).executable : "python3";
}

/** The directories its library is in: where Python, and Debian, put modules. */
export function libraryOf({ home, python }: SpythonFacts): string[] {
	const release = /^\d+\.\d+/.exec(python)?.[0] ?? "";
	const standard = join(home, "lib", `python${release}`);
	const usual = [
		standard,
		join(home, "lib64", `python${release}`),
		join(home, "local/lib", `python${release}`),
		join(home, "lib/python3"),
	];
	// Debian's own keeps one module there, by a link from its library; another Python of that release has nothing to do with it.
	const settings = join("/etc", `python${release}`);
	const site = join(standard, "sitecustomize.py");
	if (existsSync(site) && dirname(realpathSync(site)) === settings) usual.push(settings);
	return usual.filter((directory) => statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true);
}

/** Those of its directories that lie in none of an index's: what is there will be refused. */
export function libraryOutside(facts: SpythonFacts, roots: readonly string[]): string[] {
	return libraryOf(facts).filter((directory) => {
		const real = `${realpathSync(directory)}/`;
		return !roots.some((root) => real.startsWith(`${root}/`));
	});
}

export interface SpythonOrder {
	readonly python: string;
	readonly pins: readonly string[];
	readonly development: boolean;
	readonly output: string;
}

/** Compiles one. @throws ERR_LAUNCHER with what is missing, or what the compiler said */
export function buildSpython(order: SpythonOrder): void {
	const builder = pathToFileURL(join(verifierDirectory(), "native/build-spython.mjs")).href;
	const words = ["--input-type=module", "--eval", BUILD, builder, JSON.stringify(order)];
	const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", env: environmentWithoutSecrets() });
	if (status !== 0) throw new SigtoolError("ERR_LAUNCHER", stderr.trim() || "Cannot build spython");
}

/** The builder is an ES module, and this a file that requires. */
const BUILD = `
const [builder, order] = process.argv.slice(1);
const { buildSpython } = await import(builder);
try {
	buildSpython(JSON.parse(order));
} catch (error) {
	process.stderr.write(error.message);
	process.exitCode = 1;
}`;
