/**
 * Compiles and links as `cc` does with the same arguments. Takes the object of a source from the directory
 * SIGTOOL_TEST_OBJECTS if an earlier test compiled it from the same text, with the same headers, options, macros and
 * compiler. Sources outside of the directory SIGTOOL_TEST_SOURCES are always compiled: a test copies those to change them.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
	existsSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";

const { SIGTOOL_TEST_OBJECTS: CACHE = "", SIGTOOL_TEST_SOURCES: SOURCES = "" } = process.env;
/** A file that no test has used for so long is removed. One that was used just now is perhaps about to be linked. */
const UNUSED_MS = 86_400_000;

const args = process.argv.slice(2);
const isSource = (arg) => /^[^-].*\.c$/.test(arg);
const isMacro = (arg) => arg.startsWith("-D");
const nameOfMacro = (option) => option.slice(2).split("=")[0];
const options = args.filter(
	(arg, index) => !isSource(arg) && !/^-(l|Wl,|o$|shared$)/.test(arg) && args[index - 1] !== "-o",
);
const compiler = runCompiler(["--version"], { stdout: "pipe" });
const states = new Map();

const isKept = (arg) => isSource(arg) && arg.startsWith(SOURCES);
runCompiler(args.map((arg) => (isKept(arg) ? objectOf(arg) : arg)));

/** Returns the path of the object of a source. */
function objectOf(source) {
	// The name of a macro counts for every source, because a list of mentioned macros has only those that were defined.
	const fixed = options.map((option) => (isMacro(option) ? `-D${nameOfMacro(option)}` : option));
	// Only the facts for a debugger name the directory in which the compiler runs.
	const directory = fixed.includes("-g") ? process.cwd() : "";
	const key = digest([compiler, directory, source, readFileSync(source, "utf8"), ...fixed]);
	const manifest = join(CACHE, `${key}.json`);
	if (existsSync(manifest)) {
		const kept = nameOf(key, JSON.parse(readFileSync(manifest, "utf8")));
		if (touch(kept)) {
			touch(manifest);
			return kept;
		}
	}
	const [object, list, written] = ["o", "d", "json"].map((kind) => join(CACHE, `${key}.${process.pid}.${kind}`));
	runCompiler([...options, "-MD", "-MF", list, "-c", source, "-o", object], { partial: list });
	const dependencies = readFileSync(list, "utf8")
		.replace(/\\\n/g, " ")
		.split(/(?<!\\)\s+/)
		.slice(1)
		.filter(Boolean);
	rmSync(list);
	const texts = dependencies.map((file) => readFileSync(file, "utf8"));
	const macros = options.filter(isMacro).map(nameOfMacro);
	const mentioned = { dependencies, macros: macros.filter((name) => texts.some((text) => text.includes(name))) };
	writeFileSync(written, JSON.stringify(mentioned));
	renameSync(written, manifest);
	removeUnused();
	const kept = nameOf(key, mentioned);
	renameSync(object, kept);
	return kept;
}

/** Returns the path of the object that the present files and the values of the macros that they mention make. */
function nameOf(key, { dependencies, macros }) {
	const values = options.filter((option) => isMacro(option) && macros.includes(nameOfMacro(option)));
	return join(CACHE, `${key}.${digest([...values, ...dependencies.map(stateOf)])}.o`);
}

function stateOf(file) {
	if (!states.has(file)) {
		const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
		states.set(file, `${file} ${stats?.size} ${stats?.mtimeNs} ${stats?.ctimeNs}`);
	}
	return states.get(file);
}

/** Notes that a file was used now. Returns false if it is not there. */
function touch(file) {
	try {
		const now = new Date();
		utimesSync(file, now, now);
		return true;
	} catch {
		return false;
	}
}

function removeUnused() {
	for (const name of readdirSync(CACHE)) {
		const { mtimeMs } = statSync(join(CACHE, name), { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
		if (mtimeMs < Date.now() - UNUSED_MS) rmSync(join(CACHE, name), { force: true });
	}
}

function digest(parts) {
	return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/** Runs the compiler. If it fails, removes the file `partial`, and ends this process as the compiler ended. */
function runCompiler(all, { stdout = "inherit", partial } = {}) {
	const { status, stdout: printed } = spawnSync("cc", all, { stdio: ["ignore", stdout, "inherit"], encoding: "utf8" });
	if (status === 0) return printed;
	if (partial !== undefined) rmSync(partial, { force: true });
	process.exit(status ?? 1);
}
