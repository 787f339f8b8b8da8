/**
 * Compiles spython for a CPython (3.8 or later) whose headers are installed, and links the system's libcrypto into it.
 * docs/reference/spython.md explains what spython is, and native/spython/start.c how it starts.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { NATIVE, sourcesOf } from "./sources.mjs";

const VERSION = versionOf(new URL("../package.json", import.meta.url));
const SOURCES = sourcesOf("spython", "libraries", "trust")
	.filter((name) => name.endsWith(".c"))
	.map((name) => join(NATIVE, name));

/** These flags hide all symbols of spython from the interpreter, except the function that start.c replaces. */
const FLAGS = [
	...["-std=gnu11", "-Wall", "-Wextra", "-pthread", "-fstack-protector-strong", "-fstack-clash-protection"],
	...[
		"-shared",
		"-fPIC",
		"-fvisibility=hidden",
		"-Wl,-e,spython_start",
		"-Wl,-Bsymbolic",
		"-Wl,-z,relro,-z,pack-relative-relocs",
		"-Wl,--exclude-libs,ALL",
	],
];
const RELEASE = ["-O2", "-D_FORTIFY_SOURCE=2", "-Wl,-s"];
const SANITIZE = [
	"-O1",
	"-g",
	"-fsanitize=address,undefined",
	"-fno-sanitize-recover=undefined",
	"-fno-omit-frame-pointer",
];

/**
 * A program that prints facts about a Python in the last line of its output. The module `site` may print lines before.
 */
const QUESTION = `
import json, os, sys, sysconfig
shared = [line.split(None, 5)[5].rstrip() for line in open("/proc/self/maps") if "/libpython" in line]
print(json.dumps({"version": sys.version.split()[0], "release": "%d.%d" % sys.version_info[:2], "executable": sys.executable,
	"implementation": sys.implementation.name, "home": sys.base_prefix, "include": sysconfig.get_config_var("INCLUDEPY"),
	"platformInclude": sysconfig.get_path("platinclude"), "libpython": os.path.realpath(shared[0]) if shared else None}))`;

/**
 * Builds spython, and returns the facts about its Python: `version`, `home`, `executable`.
 *
 * @param {object} options
 * @param {string} options.python the interpreter for which spython is built
 * @param {readonly string[]} [options.pins] keys that may sign, as SHA-256 of the SubjectPublicKeyInfo in lower-case hexadecimal
 * @param {boolean} [options.development] true if a pin is a development identity's; each start reports that
 * @param {string} options.output
 * @param {string} [options.home] replaces the interpreter's own prefix
 * @param {boolean} [options.sanitize] true builds with AddressSanitizer and UndefinedBehaviorSanitizer
 * @param {readonly string[]} [options.flags] further options of the compiler
 */
export function buildSpython({ python, pins = [], development = false, output, home, sanitize = false, flags = [] }) {
	const bad = pins.find((pin) => !/^[0-9a-f]{64}$/.test(pin));
	if (bad !== undefined)
		throw new Error(`Cannot build spython: "${bad}" is no pin; \`sigtool trust list\` prints them`);
	const asked = askPython(python);
	const text = (value) => JSON.stringify(value);
	const target = resolve(output);
	// Links in the prefix are resolved, because strict mode follows no unsigned link to native code.
	const prefix = realpathSync(home ?? asked.home);
	refusedBySystem(() => mkdirSync(dirname(target), { recursive: true }), "make", dirname(target));
	// The file is renamed into place, because a process may be running the old one.
	const temporary = `${target}.${process.pid}`;
	refusedBySystem(() => writeFileSync(temporary, ""), "write", target);
	const { version, executable, libpython } = asked;
	const program = realpathSync(executable);
	const about = { python: version, home: prefix, executable, program, libpython, pins, development, collector: true };
	const define = (name, value) => `-DSPYTHON_${name}=${value}`;
	const options = [
		...FLAGS,
		...(sanitize ? SANITIZE : RELEASE),
		...flags,
		...[asked.include, asked.platformInclude].flatMap((path) => ["-isystem", path]),
		`-DSIGTOOL_VERSION=${text(VERSION)}`,
		define("ABOUT", text(JSON.stringify(about))),
		define("VERSION", text(asked.version)),
		define("RELEASE", text(asked.release)),
		define("HOME", text(prefix)),
		define("EXECUTABLE", text(asked.executable)),
		define("PROGRAM", text(about.program)),
		define("PINS", text(pins.join(","))),
		define("DEVELOPMENT", development ? 1 : 0),
	];
	const { error, status, stderr } = compile((compiler) => {
		const found = (library) =>
			spawnSync(compiler, [`-print-file-name=${library}`], { encoding: "utf8" }).stdout?.trim() ?? "";
		// The library of AddressSanitizer must be loaded before spython. libcrypto may need libz and libzstd.
		const before = sanitize ? `${found("libasan.so")}:` : "";
		const others = ["libz.so.1", "libzstd.so.1"].filter((library) => found(library).includes("/"));
		const libraries = ["libcrypto.a", ...others].map((library) => `-l:${library}`);
		return [...options, define("PRELOADED", text(before)), "-o", temporary, ...SOURCES, ...libraries, "-ldl"];
	});
	try {
		if (status !== 0) throw failureOf(target, error, stderr);
		refusedBySystem(() => renameSync(temporary, target), "write", target);
	} finally {
		rmSync(temporary, { force: true });
	}
	return { version, home: prefix, executable };
}

/** Returns the error of a compiler that failed. It has a `code` if the system refused something. */
function failureOf(target, error, stderr) {
	if (error?.code === "ENOENT") {
		const mend = "a spython is compiled for one CPython, and there is no C compiler; Debian has one in gcc";
		return new Error(`Cannot build spython: ${mend}`);
	}
	if (error !== undefined)
		return withCode(error.code, `Cannot build spython: the compiler could not be started: ${error.message}`);
	const refusal = REFUSALS.find((text) => stderr.includes(text));
	if (refusal === undefined) return new Error(`Cannot build spython: ${stderr}`);
	const places = `${JSON.stringify(target)}, or the compiler's files in ${JSON.stringify(tmpdir())}`;
	return withCode("EIO", `Cannot build spython: the compiler could not write ${places}: ${refusal.toLowerCase()}`);
}

/** Texts of the system that a compiler repeats. */
const REFUSALS = [
	"No space left on device",
	"Disk quota exceeded",
	"File size limit exceeded",
	"File too large",
	"Too many open files",
];

function refusedBySystem(act, action, path) {
	try {
		act();
	} catch (error) {
		throw withCode(error.code, `Cannot build spython: cannot ${action} ${JSON.stringify(path)}: ${error.message}`);
	}
}

function withCode(code, message) {
	return Object.assign(new Error(message), { code });
}

/** Returns the version of this package, or an empty text if the sources were copied without it. */
function versionOf(manifest) {
	return existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : "";
}

function askPython(python) {
	const { error, status, stdout, stderr } = spawnSync(python, ["-I", "-c", QUESTION], { encoding: "utf8" });
	const refuse = (reason) => new Error(`Cannot build for "${python}": ${reason}; name a CPython with --python`);
	if (error !== undefined && error.code in NO_PROGRAM) throw refuse(NO_PROGRAM[error.code]);
	if (error !== undefined) throw withCode(error.code, `Cannot ask "${python}": ${error.message}`);
	if (status !== 0) throw refuse(stderr.trim().split("\n").at(-1) || "it failed");
	const asked = answerIn(stdout);
	if (asked === undefined) throw refuse("it does not answer as a Python does");
	const [, minor] = asked.release.split(".").map(Number);
	if (asked.implementation !== "cpython" || minor < 8) {
		throw new Error(
			`Cannot build for "${python}": it is ${asked.implementation} ${asked.version}, and spython needs CPython 3.8 or later`,
		);
	}
	if (!existsSync(join(asked.include, "Python.h"))) {
		throw new Error(
			`Cannot build for "${python}": ${join(asked.include, "Python.h")} is not there; Debian has it in python${asked.release}-dev`,
		);
	}
	if (!["/usr/include/openssl/cms.h", "/usr/local/include/openssl/cms.h"].some(existsSync)) {
		throw new Error("Cannot build spython: the headers of libcrypto are not there; Debian has them in libssl-dev");
	}
	return asked;
}

/** Reasons of the system that tell about the file, and not about a lack of memory or descriptors. */
const NO_PROGRAM = {
	ENOENT: "there is no such program",
	ENOTDIR: "there is no such program",
	EACCES: "it is not executable",
};

/** Returns the facts in the last line, or undefined if the program printed no such facts. */
function answerIn(stdout) {
	try {
		const asked = JSON.parse(stdout.trimEnd().split("\n").at(-1));
		return typeof asked.implementation === "string" ? asked : undefined;
	} catch {
		return undefined;
	}
}

/** Runs the first compiler that exists. `command` returns its command-line arguments. */
function compile(command) {
	const compilers = process.env.CC ? [process.env.CC] : ["cc", "gcc", "clang"];
	let result;
	for (const compiler of compilers) {
		result = spawnSync(compiler, ["--version"]);
		if (result.error === undefined)
			return spawnSync(compiler, command(compiler), { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
		if (result.error.code !== "ENOENT") return result;
	}
	return result;
}
