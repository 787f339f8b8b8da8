/**
 * Compiles spython against a CPython (3.8 or later) that has its headers, with the libcrypto of the system.
 * docs/spython.md says what it is.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const native = fileURLToPath(new URL(".", import.meta.url));
const sources = join(native, "spython");
/** What the launcher and the addon have in common with it. */
const SHARED = ["digest-file.c", "find-record.c", "json.c", "kernel-check.c", "owned-file.c", "utf8.c"];
const FLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-fstack-protector-strong", "-fstack-clash-protection"];
const SANITIZE = [
	"-O1",
	"-g",
	"-fsanitize=address,undefined",
	"-fno-sanitize-recover=undefined",
	"-fno-omit-frame-pointer",
];

/** What a Python says of itself; the last line, as site may print others. */
const QUESTION = `
import json, sys, sysconfig
get = sysconfig.get_config_var
print(json.dumps({"version": sys.version.split()[0], "release": "%d.%d" % sys.version_info[:2], "executable": sys.executable,
	"implementation": sys.implementation.name, "home": sys.base_prefix, "include": get("INCLUDEPY"), "platformInclude": sysconfig.get_path("platinclude"),
	"libraries": get("LIBDIR"), "shared": get("INSTSONAME") or get("LDLIBRARY"), "archives": get("LIBPL"), "archive": get("LIBRARY"), "name": get("LDVERSION") or get("VERSION"),
	"links": " ".join(get(name) or "" for name in ("LIBS", "SYSLIBS", "MODLIBS"))}))`;

/**
 * Builds it, and returns what the Python said: `version`, `home`, `executable`.
 *
 * @param {object} options
 * @param {string} options.python the interpreter it is to be like
 * @param {readonly string[]} [options.pins] keys that may sign, as lowercase hexadecimal SHA-256 of the SubjectPublicKeyInfo
 * @param {boolean} [options.development] one of the pins is a development identity's, which each start then says
 * @param {string} options.output
 * @param {string} [options.home] in place of the interpreter's own prefix
 * @param {boolean} [options.sanitize] with AddressSanitizer and UndefinedBehaviorSanitizer
 */
export function buildSpython({ python, pins = [], development = false, output, home, sanitize = false }) {
	const bad = pins.find((pin) => !/^[0-9a-f]{64}$/.test(pin));
	if (bad !== undefined)
		throw new Error(`Cannot build spython: "${bad}" is no pin; \`sigtool trust list\` prints them`);
	const asked = askPython(python);
	const text = (value) => JSON.stringify(value);
	const target = resolve(output);
	// Strictly, native code is not reached by links that nobody signed.
	const prefix = realpathSync(home ?? asked.home);
	mkdirSync(dirname(target), { recursive: true });
	// Renamed into place: a process may be running the old one.
	const temporary = `${target}.${process.pid}`;
	const command = [
		...FLAGS,
		...(sanitize ? SANITIZE : ["-O2", "-D_FORTIFY_SOURCE=2"]),
		...[asked.include, asked.platformInclude].flatMap((path) => ["-isystem", path]),
		`-DSPYTHON_VERSION=${text(asked.version)}`,
		`-DSPYTHON_HOME=${text(prefix)}`,
		`-DSPYTHON_EXECUTABLE=${text(asked.executable)}`,
		`-DSPYTHON_PINS=${text(pins.join(","))}`,
		`-DSPYTHON_DEVELOPMENT=${development ? 1 : 0}`,
		...["-o", temporary],
		...readdirSync(sources)
			.filter((name) => name.endsWith(".c"))
			.map((name) => join(sources, name)),
		...SHARED.map((name) => join(native, name)),
		...libraryFlags(asked),
		"-lcrypto",
		"-Wl,-z,relro",
	];
	const { error, status, stderr } = compile(command);
	if (status !== 0) {
		rmSync(temporary, { force: true });
		throw new Error(`Cannot build spython: ${error === undefined ? stderr : "no C compiler; Debian has one in gcc"}`);
	}
	renameSync(temporary, target);
	const { version, executable } = asked;
	return { version, home: prefix, executable };
}

function askPython(python) {
	const { error, status, stdout, stderr } = spawnSync(python, ["-I", "-c", QUESTION], { encoding: "utf8" });
	if (error !== undefined || status !== 0)
		throw new Error(`Cannot ask "${python}": ${error?.message ?? stderr.trim()}`);
	const asked = JSON.parse(stdout.trimEnd().split("\n").at(-1));
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

/** The shared library where there is one: Debian's archives lack objects. */
function libraryFlags({ libraries, shared, archives, archive, name, links }) {
	if (shared?.includes(".so") && existsSync(join(libraries, shared))) {
		const path = realpathSync(libraries);
		const isSystem = /^\/(usr\/)?lib(\/|$)/.test(path);
		return [`-L${path}`, `-lpython${name}`, ...(isSystem ? [] : [`-Wl,-rpath,${path}`])];
	}
	const file = [archives, libraries].map((directory) => join(directory, archive)).find(existsSync);
	if (file === undefined)
		throw new Error(
			`Cannot build spython: neither ${join(libraries, shared ?? "")} nor ${join(archives, archive)} is there`,
		);
	const known = links.split(/\s+/).filter((word) => /^-(l|L|Wl)/.test(word));
	return ["-Wl,--whole-archive", file, "-Wl,--no-whole-archive", "-Wl,-export-dynamic", ...new Set(known), "-lm"];
}

function compile(command) {
	const compilers = process.env.CC ? [process.env.CC] : ["cc", "gcc", "clang"];
	let result;
	for (const compiler of compilers) {
		result = spawnSync(compiler, command, { encoding: "utf8" });
		if (result.error === undefined) break;
	}
	return result;
}
