/** Compiles hash-threads.node if there is a C compiler. Without this module sigtool hashes in JavaScript, and uses no tokens. */

import { spawnSync } from "node:child_process";
import { renameSync, rmSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const C_FILES = [
	...["module.c", "hash-threads.c", "hash-row.c", "attributes.c", "descriptor-attributes.c"],
	...["pkcs11-module.c", "pkcs11-calls.c", "pkcs11-values.c", "pkcs11-names.c"],
];
const HEADERS = [
	"job.h",
	"attributes.h",
	"module.h",
	"node-api.h",
	"openssl-digest.h",
	"pkcs11.h",
	"pkcs11-module.h",
	"pkcs11-values.h",
];
const SOURCES = [...C_FILES, ...HEADERS, "build.mjs"];
const OUTPUT = "hash-threads.node";
const FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden", "-shared", "-pthread"];
/** glibc had dlopen() in a library of its own before version 2.34. */
const LIBRARIES = ["-ldl"];
const PLATFORM_FLAGS = { linux: ["-Wl,-z,relro,-z,now"], darwin: ["-undefined", "dynamic_lookup"] };

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
if (!isCurrent()) process.stdout.write(compile());

function isCurrent() {
	const built = modified(OUTPUT);
	return built !== undefined && SOURCES.every((source) => modified(source) <= built);
}

function modified(file) {
	return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

/**
 * Compiles the module. Returns a message, or "" for success. The new file is renamed into place, because a process may
 * still use the old one.
 */
function compile() {
	const flags = PLATFORM_FLAGS[process.platform];
	const kept = "files are hashed in JavaScript, which takes longer and is no less right";
	if (flags === undefined) return `no native hashing on ${process.platform}: ${kept}\n`;
	const compilers = process.env.CC ? [process.env.CC] : ["cc", "gcc", "clang"];
	const temporary = `${OUTPUT}.${process.pid}`;
	for (const compiler of compilers) {
		const { error, status, stderr } = spawnSync(compiler, [
			...FLAGS,
			...flags,
			"-o",
			temporary,
			...C_FILES,
			...LIBRARIES,
		]);
		if (error) continue;
		if (status === 0) {
			renameSync(temporary, OUTPUT);
			return "";
		}
		rmSync(temporary, { force: true });
		return `${compiler} cannot build native hashing: ${kept}\n${stderr}`;
	}
	return `no C compiler: ${kept}\n`;
}
