/**
 * Compiles and links as `cc` does with the same arguments. Takes the object of a source from the directory
 * SIGTOOL_TEST_OBJECTS if an earlier test compiled it from the same text, with the same headers, options, macros and
 * compiler. Sources outside of the directory SIGTOOL_TEST_SOURCES are always compiled: a test copies those to change them.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const { SIGTOOL_TEST_OBJECTS: CACHE = "", SIGTOOL_TEST_SOURCES: SOURCES = "" } = process.env;
/** Another test may be about to link an object that is younger. */
const USED_MS = 3_600_000;

const args = process.argv.slice(2);
const isSource = (arg) => /^[^-].*\.c$/.test(arg);
const isMacro = (arg) => arg.startsWith("-D");
const options = args.filter(
	(arg, index) => !isSource(arg) && !/^-(l|Wl,|o$|shared$)/.test(arg) && args[index - 1] !== "-o",
);
const compiler = runCompiler(["--version"], "pipe");
const states = new Map();

const isKept = (arg) => isSource(arg) && arg.startsWith(SOURCES);
runCompiler(args.map((arg) => (isKept(arg) ? objectOf(arg) : arg)));

/** Returns the path of the object of a source. */
function objectOf(source) {
	const fixed = options.filter((option) => !isMacro(option));
	// Only the facts for a debugger name the directory in which the compiler runs.
	const directory = fixed.includes("-g") ? process.cwd() : "";
	const key = digest([compiler, directory, source, readFileSync(source, "utf8"), ...fixed]);
	const manifest = join(CACHE, `${key}.json`);
	if (existsSync(manifest)) {
		const kept = nameOf(key, JSON.parse(readFileSync(manifest, "utf8")));
		if (existsSync(kept)) return kept;
	}
	const [object, list, written] = ["o", "d", "json"].map((kind) => join(CACHE, `${key}.${process.pid}.${kind}`));
	runCompiler([...options, "-MD", "-MF", list, "-c", source, "-o", object]);
	const dependencies = readFileSync(list, "utf8")
		.replace(/\\\n/g, " ")
		.split(/(?<!\\)\s+/)
		.slice(1)
		.filter(Boolean);
	rmSync(list);
	const texts = dependencies.map((file) => readFileSync(file, "utf8"));
	const macros = options.filter(isMacro).map((option) => option.slice(2).split("=")[0]);
	const mentioned = { dependencies, macros: macros.filter((name) => texts.some((text) => text.includes(name))) };
	writeFileSync(written, JSON.stringify(mentioned));
	renameSync(written, manifest);
	removeFormer(key);
	const kept = nameOf(key, mentioned);
	renameSync(object, kept);
	return kept;
}

/** Returns the path of the object that the present files and the values of the macros that they mention make. */
function nameOf(key, { dependencies, macros }) {
	const values = options.filter((option) => macros.includes(option.slice(2).split("=")[0]));
	return join(CACHE, `${key}.${digest([...values, ...dependencies.map(stateOf)])}.o`);
}

function stateOf(file) {
	if (!states.has(file)) {
		const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
		states.set(file, `${file} ${stats?.size} ${stats?.mtimeNs} ${stats?.ctimeNs}`);
	}
	return states.get(file);
}

function removeFormer(key) {
	for (const name of readdirSync(CACHE).filter((each) => each.startsWith(`${key}.`) && each.endsWith(".o"))) {
		const { mtimeMs } = statSync(join(CACHE, name), { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
		if (mtimeMs < Date.now() - USED_MS) rmSync(join(CACHE, name), { force: true });
	}
}

function digest(parts) {
	return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/** Runs the compiler, and ends this process as the compiler ended if it fails. */
function runCompiler(all, stdout = "inherit") {
	const { status, stdout: printed } = spawnSync("cc", all, { stdio: ["ignore", stdout, "inherit"], encoding: "utf8" });
	if (status !== 0) process.exit(status ?? 1);
	return printed;
}
