/**
 * Compiles the launcher and the addon into dist/native where there is Linux and a C compiler; without them the hook alone
 * still works, and says what it lacks. `--out DIR` puts them elsewhere.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const native = fileURLToPath(new URL(".", import.meta.url));
const launchers = readdirSync(join(native, "launch")).filter((name) => /\.[ch]$/.test(name));
const FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2"];

/** What is built, from which sources. The launcher stays out of the dynamic loader's reach. */
const TARGETS = {
	"sigtool-launch": {
		sources: [
			...launchers.map((name) => join("launch", name)),
			...parts("complain", "event-line", "utf8", "owned-file", "key-lines", "schema", "members", "json", "hex"),
			"mode.h",
			"environment.h",
			"lockdown.h",
			"mode.h",
		],
		flags: ["-static", "-Wl,-z,relro,-z,now", "-s"],
	},
	"addon.node": {
		sources: [
			"addon.c",
			...parts("lent-string", "plain-file", "digest-file", "utf8", "kernel-check", "syslog", "package-type", "json"),
			...parts("find-record"),
			"launch/lockdown.c",
			"lockdown.h",
			"node-api.h",
		],
		flags: ["-shared", "-fPIC", "-fvisibility=hidden", "-Wl,-z,relro,-z,now"],
	},
};

const out = process.argv[2] === "--out" ? resolve(process.argv[3] ?? "") : join(native, "..", "dist", "native");
process.exitCode = Object.keys(TARGETS).filter((name) => !build(name)).length === 0 ? 0 : complain();

/** What targets, or spython, share: a source and its header each. */
function parts(...names) {
	return names.flatMap((name) => [`${name}.c`, `${name}.h`]);
}

/** Whether it is there and no older than what it is made from. */
function build(name) {
	const { sources, flags } = TARGETS[name];
	const target = join(out, name);
	const built = modified(target);
	const files = [...sources, "build.mjs"].map((source) => join(native, source));
	if (built !== undefined && files.every((file) => modified(file) <= built)) return true;
	if (process.platform !== "linux") return false;
	mkdirSync(out, { recursive: true });
	// Renamed into place: a process may be running the old one.
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

/** 0 at installation, where it is no failure; `sigtool native build` asks for it. */
function complain() {
	const reason = process.platform === "linux" ? "no C compiler with a static libc" : `not on ${process.platform}`;
	process.stdout.write(
		`no launcher or addon (${reason}): the hook works without them, and \`capabilities()\` tells what it lacks\n`,
	);
	return process.argv[2] === "--out" ? 1 : 0;
}
