/**
 * Compiles the launcher, the addon and the gate into dist/native, on Linux with a C compiler. Without them the hook
 * still works, and reports what it lacks. `--out DIR` chooses another directory.
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const native = fileURLToPath(new URL(".", import.meta.url));
const launchers = readdirSync(join(native, "launch")).filter((name) => /\.[ch]$/.test(name));
const gate = readdirSync(join(native, "gate")).filter((name) => /\.[ch]$/.test(name));
const libraries = readdirSync(join(native, "libraries")).filter((name) => /\.[ch]$/.test(name));
const trust = readdirSync(join(native, "trust")).filter((name) => /\.[ch]$/.test(name));
const addon = readdirSync(join(native, "addon")).filter((name) => /\.[ch]$/.test(name));
const FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"];

/**
 * The sources and flags of each program. The launcher is static, so the dynamic loader cannot change it. It is also
 * position-independent, so that its addresses differ at each start.
 */
const TARGETS = {
	"sigtool-launch": {
		sources: [
			...launchers.map((name) => join("launch", name)),
			...shared("call-filter", "complain", "elf-object", "environment", "event-line", "hex", "json"),
			...shared("exit-status", "key-lines", "lockdown", "members", "owned-file", "schema", "sha256"),
			...shared("start-facts", "utf8"),
			"shared/mode.h",
		],
		flags: ["-static-pie", "-fPIE", "-Wl,-z,relro,-z,now", "-s"],
	},
	"gate.so": {
		sources: [
			...gate.map((name) => join("gate", name)),
			...libraries.map((name) => join("libraries", name)),
			...trust.map((name) => join("trust", name)),
			...shared("complain", "elf-object", "environment", "event-line", "exit-status", "find-record", "hex", "json"),
			...shared("linked-libraries", "members", "owned-file", "schema", "sha256", "start-facts", "syslog", "utf8"),
			...["shared/mode.h", "shared/system-call.h"],
		],
		// The gate calls the libcrypto of the Node.js that it is loaded into, so it is not linked with one.
		flags: [...headers(), "-shared", "-fPIC", "-fvisibility=hidden", "-pthread", "-Wl,-z,relro,-z,now"],
	},
	"addon.node": {
		sources: [
			...addon.map((name) => join("addon", name)),
			...shared("call-filter", "digest-file", "find-record", "json", "kernel-check", "lockdown"),
			...shared("owned-file", "syslog", "utf8"),
		],
		flags: ["-shared", "-fPIC", "-fvisibility=hidden", "-Wl,-z,relro,-z,now"],
	},
};

const out = process.argv[2] === "--out" ? resolve(process.argv[3] ?? "") : join(native, "..", "dist", "native");
process.exitCode = Object.keys(TARGETS).filter((name) => !build(name)).length === 0 ? 0 : complain();

/** Returns the directory with the headers of Node.js, which has OpenSSL's, or nothing: then they are the system's. */
function headers() {
	const roots = [process.env.npm_config_nodedir, join(dirname(process.execPath), "..")];
	const root = roots.find((each) => each !== undefined && existsSync(join(each, "include/node/openssl/cms.h")));
	return root === undefined ? [] : ["-I", join(root, "include/node")];
}

/** Returns a source and its header for each name. */
function shared(...names) {
	return names.flatMap((name) => [`shared/${name}.c`, `shared/${name}.h`]);
}

/** Builds a target if one of its sources is newer. Returns false if the target could not be built. */
function build(name) {
	const { sources, flags } = TARGETS[name];
	const target = join(out, name);
	const built = modified(target);
	const files = [...sources, "build.mjs"].map((source) => join(native, source));
	if (built !== undefined && files.every((file) => modified(file) <= built)) return true;
	if (process.platform !== "linux") return false;
	mkdirSync(out, { recursive: true });
	// The file is renamed into place, because a process may be running the old one.
	const temporary = `${target}.${process.pid}`;
	const inputs = files.filter((file) => file.endsWith(".c"));
	for (const compiler of process.env.CC ? [process.env.CC] : ["cc", "gcc", "clang"]) {
		const { error, status, stderr } = spawnSync(compiler, [...FLAGS, ...flags, "-o", temporary, ...inputs]);
		if (error) continue;
		if (status === 0) {
			renameSync(temporary, target);
			return true;
		}
		rmSync(temporary, { force: true });
		process.stdout.write(`${compiler} cannot build ${name}\n${stderr}`);
		return false;
	}
	return false;
}

function modified(file) {
	return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

/** Reports the failure. Returns the exit status: 1 with `--out`, else 0, so that an installation goes on. */
function complain() {
	const reason = process.platform === "linux" ? "no C compiler with a static libc" : `not on ${process.platform}`;
	process.stdout.write(
		`no launcher, addon or gate (${reason}): the hook works without them, and \`capabilities()\` tells what it lacks\n`,
	);
	return process.argv[2] === "--out" ? 1 : 0;
}
