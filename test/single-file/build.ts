/** Builds the single file for tests. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execFileSync, hasProgram, spawnSync } from "../outside.js";

export const WORKSPACE = fileURLToPath(new URL("../..", import.meta.url));

/** Builds of a single file need GNU's strip and compiler for its processor, and for another processor an emulator. */
export const canBuild = (arch: "x64" | "arm64") => {
	const name = { x64: "x86_64", arm64: "aarch64" }[arch];
	const emulator = arch === process.arch ? [] : [`qemu-${name}`];
	return (
		process.platform === "linux" &&
		[`${name}-linux-gnu-strip`, `${name}-linux-gnu-gcc`, ...emulator].every((program) => hasProgram(program))
	);
};

export interface BuildOptions {
	/** The folder with the packages and the scripts. */
	readonly workspace?: string;
	/** Runs the build in a shell after this command. */
	readonly before?: string;
}

/** Returns the path of the new program in a folder. */
export function buildSingleFile(
	folder: string,
	arch: string,
	{ workspace = WORKSPACE, before = ":" }: BuildOptions = {},
): string {
	const script = `${before}; exec "$0" "$@"`;
	const args = ["-c", script, process.execPath, join(workspace, "scripts/single-file.mjs"), "--out", folder];
	execFileSync("sh", [...args, "--arch", arch], { cwd: "/", stdio: ["ignore", "ignore", "inherit"] });
	return join(folder, `sigtool-linux-${arch}`);
}

export function newFolder(): string {
	return mkdtempSync(join(tmpdir(), "sigtool-single-"));
}

export interface Outcome {
	readonly status: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** Returns a function that runs a program with an environment which has no Node.js, and no other program, in its PATH. */
export function withoutNode(command: readonly string[], home: string) {
	return (args: readonly string[], env: Readonly<Record<string, string>> = {}): Outcome => {
		const [program, ...before] = command;
		return spawnSync(program, [...before, ...args], {
			cwd: home,
			env: { PATH: "/nonexistent", HOME: home, XDG_CONFIG_HOME: join(home, "config"), NO_COLOR: "1", ...env },
			encoding: "utf8",
		});
	};
}
