/** Builds a spython, gets facts about a spython from itself, and finds the spython that this user built. */

import { spawnSync } from "node:child_process";
import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { configDirectory, type SingleFile, singleFile } from "@sigtool/core/internal";
import { COMMAND, isErrorCode, quote, requireStarted, SigtoolError } from "@sigtool/core/internal/errors";
import { verifierDirectory } from "../native/native-parts.js";
import { environmentWithoutSecrets, SECRET_VARIABLES, takeSecret } from "../options/secret-variables.js";
import { searchPathsOf } from "./search-paths.js";

export interface SpythonFacts {
	/** The release of CPython for which the spython was built, e.g. `3.13.5`. */
	readonly python: string;
	/** The installation prefix of that CPython. Its standard library is below this directory. */
	readonly home: string;
	/** The value of `sys.executable` in that CPython. */
	readonly executable: string;
	/** The real path of `executable`, the program into which the spython is loaded. */
	readonly program: string;
	/** The real path of the shared library with the interpreter, which `program` is linked to. Null if it is linked to none. */
	readonly libpython: string | null;
	/** The keys that may sign, as SHA-256 of the SubjectPublicKeyInfo in lower-case hexadecimal. */
	readonly pins: readonly string[];
	/** The value is true if the spython accepts development identities. */
	readonly development: boolean;
	/** The value is true if the spython can send events to a collector, which those of earlier releases cannot. */
	readonly collector: boolean;
}

/**
 * Returns the path to which `sigtool python build` writes the spython by default, and at which `sigtool run` looks for
 * it.
 */
export function ownSpython(): string {
	return join(configDirectory(), "spython");
}

/**
 * Runs a spython with `--about` and returns the facts that it prints. @throws ERR_LAUNCHER if the file is no spython;
 * ERR_IO if the system has no room for a process
 */
export function aboutSpython(program: string): SpythonFacts {
	const { error, stdout, stderr } = spawnSync(resolve(program), ["--about"], {
		encoding: "utf8",
		env: {},
		timeout: 10_000,
	});
	requireStarted(program, error);
	try {
		// The code below checks that the output has this type.
		const facts = { libpython: null, collector: false, ...JSON.parse(stdout ?? "") } as SpythonFacts;
		const texts = [facts.python, facts.home, facts.executable, facts.program, facts.libpython ?? "", ...facts.pins];
		if (texts.every((text) => typeof text === "string") && typeof facts.development === "boolean") return facts;
	} catch {
		// If the output is not JSON or lacks `pins`, the error below is thrown.
	}
	// If a shared library is missing, the dynamic loader prints a message whose last line names the library.
	const said = stderr?.trim().split("\n").pop() ?? "";
	const reason = existsSync(program) ? `it is no spython${said === "" ? "" : ` (${said})`}` : "it does not exist";
	const message = `Cannot use ${quote(program)}: ${reason}; \`${COMMAND} python build\` makes one`;
	throw new SigtoolError("ERR_LAUNCHER", message, { path: program });
}

/** The files by which a spython judges, and the options with which the launcher starts it. */
export interface SpythonStart {
	readonly index: string;
	readonly config: string;
	readonly mode: string;
	readonly development: "refuse" | "allow";
}

/**
 * Asks a spython if it would start, and returns the mode in which it would. No program runs and no event is written.
 * @throws the spython's own error; ERR_LAUNCHER if it has no code
 */
export function modeOfSpython(program: string, { index, config, mode, development }: SpythonStart): string {
	const allow = development === "allow" ? ["--allow-development"] : [];
	const args = ["--check-index", "--index", index, "--config", config, "--mode", mode, ...allow];
	const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", env: {}, timeout: 60_000 });
	requireStarted(program, error);
	if (status === 0) return stdout.trim();
	const said = (stderr ?? "").trimEnd().split("\n").at(-1) ?? "";
	const [, code = "", message = ""] = /^spython: (?:(ERR_\w+): )?(.+)$/.exec(said) ?? [];
	throw new SigtoolError(isErrorCode(code) ? code : "ERR_LAUNCHER", message || "the spython says nothing", {
		path: program,
	});
}

/**
 * Returns the Python for which `sign` compiles by default: the CPython for which this user's spython was built, or else
 * `python3`.
 */
export function usualPython(): string {
	return existsSync(ownSpython()) ? aboutSpython(ownSpython()).executable : "python3";
}

/** Returns the directories of CPython's standard library that exist, including those that only Debian's Python has. */
export function libraryOf({ home, python }: SpythonFacts): string[] {
	const release = /^\d+\.\d+/.exec(python)?.[0] ?? "";
	const standard = join(home, "lib", `python${release}`);
	const usual = [
		standard,
		join(home, "lib64", `python${release}`),
		join(home, "local/lib", `python${release}`),
		join(home, "lib/python3"),
	];
	// In Debian's Python, sitecustomize.py is a link into /etc/pythonX.Y. This directory is added only for a Python
	// with such a link, because another Python of the same release does not use it.
	const settings = join("/etc", `python${release}`);
	const site = join(standard, "sitecustomize.py");
	if (existsSync(site) && dirname(realpathSync(site)) === settings) usual.push(settings);
	return usual.filter((directory) => statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true);
}

/**
 * Returns the existing directories where the system's loader looks for libraries of the interpreter before it looks in
 * the system's own.
 */
export function searchedFor({ program, libpython }: SpythonFacts): string[] {
	const files = libpython === null ? [program] : [program, libpython];
	return [...new Set(files.flatMap(searchPathsOf))].filter((directory) => existsSync(directory));
}

/**
 * Returns the directories of the standard library that are below none of `roots`. A spython would refuse every module
 * in such a directory.
 */
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

/**
 * Compiles a spython. @throws ERR_LAUNCHER that says what is missing, or what the compiler printed; ERR_IO if the system
 * refuses to write it, such as on a full disk
 */
export function buildSpython(order: SpythonOrder): void {
	const single = singleFile();
	if (single === undefined) buildInProcess(order);
	else buildHere(single, order);
}

/** Builds in a process of its own, because Node.js 20 warns when a CommonJS bundle loads the builder, an ES module. */
function buildInProcess(order: SpythonOrder): void {
	const builder = pathToFileURL(join(verifierDirectory(), "native/build-spython.mjs")).href;
	const args = ["--input-type=module", "--eval", BUILD, builder, JSON.stringify(order)];
	const { error, status, stderr } = spawnSync(process.execPath, args, {
		encoding: "utf8",
		env: environmentWithoutSecrets(),
	});
	requireStarted(process.execPath, error);
	if (status === 0) return;
	const code = status === REFUSED_BY_SYSTEM ? "ERR_IO" : "ERR_LAUNCHER";
	throw new SigtoolError(code, stderr?.trim() || "Cannot build spython", { path: order.output });
}

/** The exit status of BUILD for an error of the system. Node.js itself has no such status. */
const REFUSED_BY_SYSTEM = 75;

/** Builds in this process, because a single file runs no other program of JavaScript. */
function buildHere(single: SingleFile, order: SpythonOrder): void {
	// scripts/single-file/assets.mjs makes this module of the builder.
	const { buildSpython } = single.load("./build-spython.cjs") as { buildSpython: (order: SpythonOrder) => void };
	for (const variable of SECRET_VARIABLES) takeSecret(variable); // The compiler inherits the environment.
	try {
		buildSpython(order);
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message.trim() : "";
		const code = cause instanceof Error && "code" in cause ? "ERR_IO" : "ERR_LAUNCHER";
		throw new SigtoolError(code, reason || "Cannot build spython", { cause, path: order.output });
	}
}

/** The program that builds a spython in a process of its own. */
const BUILD = `
const [builder, order] = process.argv.slice(1);
const { buildSpython } = await import(builder);
try {
	buildSpython(JSON.parse(order));
} catch (error) {
	process.stderr.write(error.message);
	process.exitCode = error.code === undefined ? 1 : ${REFUSED_BY_SYSTEM};
}`;
