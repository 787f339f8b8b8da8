/**
 * Compiles the launcher, the addon and the gate into dist/native, on Linux with a C compiler, for this machine. Without
 * them the hook still works, and reports what it lacks. `--out DIR` chooses another directory.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { FLAGS, NATIVE, PARTS } from "./parts.mjs";

const out = process.argv[2] === "--out" ? resolve(process.argv[3] ?? "") : join(NATIVE, "..", "dist", "native");
/** The reason that complain() gives, if the system refused something. */
let refusal;
process.exitCode = Object.keys(PARTS).filter((name) => !build(name)).length === 0 ? 0 : complain();

/** Returns the directory with the headers of Node.js, which has OpenSSL's, or nothing: then they are the system's. */
function headers() {
	const roots = [process.env.npm_config_nodedir, join(dirname(process.execPath), "..")];
	const root = roots.find((each) => each !== undefined && existsSync(join(each, "include/node/openssl/cms.h")));
	return root === undefined ? [] : ["-I", join(root, "include/node")];
}

/** Builds a part if one of its sources is newer. Returns false if the part could not be built. */
function build(name) {
	const { sources, flags } = PARTS[name];
	const target = join(out, name);
	const built = modified(target);
	const files = [...sources, "build.mjs", "parts.mjs", "sources.mjs"].map((source) => join(NATIVE, source));
	if (built !== undefined && files.every((file) => modified(file) <= built)) return true;
	if (process.platform !== "linux") return false;
	// The file is renamed into place, because a process may be running the old one.
	const temporary = `${target}.${process.pid}`;
	if (!isDone(() => mkdirSync(out, { recursive: true }), out)) return false;
	const inputs = files.filter((file) => file.endsWith(".c"));
	for (const compiler of process.env.CC ? [process.env.CC] : ["cc", "gcc", "clang"]) {
		const args = [...FLAGS, ...headers(), ...flags, "-o", temporary, ...inputs];
		const { error, status, stderr } = spawnSync(compiler, args);
		if (error?.code === "ENOENT") continue;
		if (error) return refused(error, compiler);
		if (status === 0 && isDone(() => renameSync(temporary, target), target)) return true;
		rmSync(temporary, { force: true });
		if (status !== 0) process.stdout.write(`${compiler} cannot build ${name}\n${stderr}`);
		return false;
	}
	return false;
}

/** Returns false if the system refuses what `act` does with `file`. */
function isDone(act, file) {
	try {
		act();
		return true;
	} catch (error) {
		return refused(error, file);
	}
}

/** Keeps the reason for complain(). Returns false. */
function refused(error, file) {
	refusal = `cannot use ${file}: ${error.message}`;
	return false;
}

function modified(file) {
	return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

/** Reports the failure. Returns the exit status: 1 with `--out`, else 0, so that a build goes on. */
function complain() {
	const usual = process.platform === "linux" ? "no C compiler with a static libc" : `not on ${process.platform}`;
	const reason = refusal ?? usual;
	process.stdout.write(
		`no launcher, addon or gate (${reason}): the hook works without them, and \`capabilities()\` tells what it lacks\n`,
	);
	return process.argv[2] === "--out" ? 1 : 0;
}
