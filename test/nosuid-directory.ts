/** Makes temporary directories that the launcher grants to root in mode strict. */

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "./outside.js";
import { unmountAtEnd } from "./unmount-at-end.js";

export interface TemporaryDirectory {
	readonly path: string;
	remove(): void;
}

/** For root the directory is a mount with the option nosuid. Other users need no such mount and cannot make one. */
export function nosuidDirectory(prefix: string): TemporaryDirectory {
	const path = realpathSync(mkdtempSync(join(tmpdir(), prefix)));
	const isRoot = process.getuid?.() === 0;
	if (isRoot) {
		run("mount", "-t", "tmpfs", "-o", "nosuid,mode=755", "none", path);
		unmountAtEnd(path);
	}
	return {
		path,
		remove() {
			// A program may still run there, and a normal unmount would fail then. A lazy unmount does not fail.
			if (isRoot) run("umount", "--lazy", path);
			rmSync(path, { recursive: true, force: true });
		},
	};
}

function run(program: string, ...args: readonly string[]): void {
	const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
	if (status !== 0) throw new Error(`${program} ${args.join(" ")} ends with ${status}: ${stderr}`);
}
