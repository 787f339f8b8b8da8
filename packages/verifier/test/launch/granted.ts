/**
 * Installs launchers for the tests of `--write`. Each way past the launcher is first used without it. Mounts are made in
 * a mount namespace of the process, and end with it.
 */

import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { Installation, type Run, type RunOptions } from "./support.js";

export const hasTerminals = existsSync("/dev/pts/ptmx");

/** Writes to the files that its arguments name, and prints for each what happened. */
export const WRITER = `
const { writeFileSync } = require("node:fs");
for (const file of process.argv.slice(2)) {
	try { writeFileSync(file, "evil"); console.log("written"); } catch (error) { console.log(error.code); }
}`;

/** Returns an installation with a script that writes, and a signed tree "app" that contains the script. */
export function installed(): Installation {
	const installation = new Installation();
	installation.write("app/main.js", WRITER);
	installation.write("app/lib/part.js", "good");
	mkdirSync(installation.at("data"));
	installation.set("tree", installation.at("app"));
	return installation;
}

/** Makes an installation below directories that root owns, which needs no `--allow-development`. */
export function installedBelow(parent: string): Installation {
	const temporary = process.env.TMPDIR;
	process.env.TMPDIR = parent;
	try {
		const installation = installed();
		installation.set("development", undefined);
		return installation;
	} finally {
		if (temporary === undefined) delete process.env.TMPDIR;
		else process.env.TMPDIR = temporary;
	}
}

/** Returns a command that makes mounts in a separate mount namespace, and then executes the program that follows. */
export function mounting(commands: string): readonly string[] {
	return ["unshare", "-m", "sh", "-ec", `${commands}\nexec "$@"`, "sh"];
}

/** Runs the script with unguarded Node.js, to show that an attacker could write there. */
export function writePlainly({ directory }: Installation, file: string, before: readonly string[] = []): string {
	const [program = "", ...args] = [...before, process.execPath, join(directory, "app/main.js"), file];
	return spawnSync(program, args, { cwd: directory, encoding: "utf8" }).stdout;
}

/**
 * Matches the launcher's warning to root about a directory whose mount is not nosuid. Other tests test this warning.
 */
export const NOSUID_WARNING = /^sigtool-launch: warning: root may write ".*", whose mount is not nosuid: .*\n/gm;

export function withoutWarning(run: Run): Run {
	return { ...run, stderr: run.stderr.replace(NOSUID_WARNING, "") };
}

/** Returns an index of these files, as far as the launcher reads it: without a signature and with an empty head. */
export function indexOf(names: readonly string[]): Buffer {
	const header = Buffer.alloc(24);
	header.write("\x89SIGX\r\n\x1a", "latin1");
	const text = Buffer.from(names.join(""));
	for (const [at, value] of [1, 0, names.length, text.length].entries()) header.writeUInt32LE(value, 8 + 4 * at);
	let start = 0;
	const records = names.map((name) => {
		const record = Buffer.alloc(48);
		record.writeUInt32LE(start, 0);
		record.writeUInt16LE(name.length, 4);
		start += name.length;
		return record;
	});
	return Buffer.concat([header, ...records, text]);
}

export function write(installation: Installation, directory: string, file: string, options: RunOptions = {}): Run {
	return withoutWarning(installation.run(["--write", directory, "app/main.js", file], options));
}

export function expectRefusal({ status, stdout, stderr }: ReturnType<typeof write>, message: RegExp): void {
	expect(stderr).toMatch(message);
	expect(stderr).toMatch(/^sigtool-launch: Cannot make ".*" writable: [ -~]*\n$/);
	expect([status, stdout]).toEqual([126, ""]);
}

/** Compiles a library whose function says a word. */
export function makeLibrary(installation: Installation, path: string, word: string): void {
	const source = installation.write("part.c", `const char *part(void) { return "${word}"; }`);
	mkdirSync(dirname(installation.at(path)), { recursive: true });
	const args = ["-shared", "-fPIC", "-Wl,-soname,libpart.so", "-o", installation.at(path), source];
	const { status, stderr } = spawnSync("cc", args, { encoding: "utf8" });
	if (status !== 0) throw new Error(stderr);
}

/** Compiles a program that prints the word of the library `lib/libpart.so`. */
export function linkedProgram(installation: Installation, flags: readonly string[]): string {
	makeLibrary(installation, "lib/libpart.so", "good");
	const source = installation.write(
		"program.c",
		"#include <stdio.h>\nconst char *part(void);\nint main(void) { puts(part()); }",
	);
	const program = installation.at("bin/program");
	const args = ["-o", program, source, installation.at("lib/libpart.so"), ...flags];
	const { status, stderr } = spawnSync("cc", args, { encoding: "utf8" });
	if (status !== 0) throw new Error(stderr);
	return realpathSync(program);
}
