/** Compiles the addon for this machine if there is a C compiler. Without it sigtool hashes in JavaScript, and uses no tokens. */

import { spawnSync } from "node:child_process";
import { renameSync, rmSync, statSync } from "node:fs";
import { FLAGS, LIBRARIES, NATIVE, OUTPUT, PLATFORM_FLAGS, SOURCES } from "./parts.mjs";

process.chdir(NATIVE);
if (!isCurrent()) process.stdout.write(compile());

function isCurrent() {
	const built = modified(OUTPUT);
	return built !== undefined && [...SOURCES, "build.mjs", "parts.mjs"].every((source) => modified(source) <= built);
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
	const inputs = SOURCES.filter((name) => name.endsWith(".c"));
	for (const compiler of compilers) {
		const { error, status, stderr } = spawnSync(compiler, [
			...FLAGS,
			...flags,
			"-o",
			temporary,
			...inputs,
			...LIBRARIES,
		]);
		if (error?.code === "ENOENT") continue;
		if (error) return `cannot start ${compiler}: ${error.message}; ${kept}\n`;
		const refusal = status === 0 ? refusalOf(() => renameSync(temporary, OUTPUT)) : stderr;
		if (refusal === undefined) return "";
		rmSync(temporary, { force: true });
		return `${compiler} cannot build native hashing: ${kept}\n${refusal}`;
	}
	return `no C compiler: ${kept}\n`;
}

/** Returns the message of the system if it refuses what `act` does. */
function refusalOf(act) {
	try {
		act();
		return undefined;
	} catch (error) {
		return `${error.message}\n`;
	}
}
