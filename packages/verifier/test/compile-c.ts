/** Compiles C of the verifier into programs that answer the questions of tests. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { spawnSync } from "../../../test/outside.js";
import { NATIVE } from "./launch/support.js";

const FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pthread"];
const SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];

export interface Compilation {
	/** The source of the program, which the test has. */
	readonly own: URL;
	/** Sources in `native/`, without `.c`. */
	readonly sources: readonly string[];
	/** The folder in `native/` in which headers are looked for, or "" for `native/` itself. */
	readonly headers: string;
	readonly output: string;
	/** The value `none` makes a program that is ten times as fast. By default a fault in memory ends the program. */
	readonly sanitizers?: "all" | "none";
}

/** Compiles a program. Expects neither errors nor warnings. */
export function compileC({ own, sources, headers, output, sanitizers = "all" }: Compilation): void {
	const inputs = [fileURLToPath(own), ...sources.map((source) => join(NATIVE, `${source}.c`))];
	const flags = [...FLAGS, ...(sanitizers === "all" ? SANITIZE : []), "-I", join(NATIVE, headers)];
	const { status, stderr } = spawnSync("cc", [...flags, ...inputs, "-o", output], { encoding: "utf8" });
	expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
}

/** Returns the sources with these names in the rooms of `native/shared/`. */
export function shared(...names: readonly string[]): string[] {
	const rooms = readdirSync(join(NATIVE, "shared")).map((room) => `shared/${room}`);
	return names.map((name) => {
		const room = rooms.find((each) => existsSync(join(NATIVE, each, `${name}.c`)));
		if (room === undefined) throw new Error(`no room has ${name}.c`);
		return `${room}/${name}`;
	});
}
