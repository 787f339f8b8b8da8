/**
 * Writes files of the single file, for other programs to read or run: the launcher, the hook, the sources of spython.
 * They are in a new directory that only this user can enter or exchange, and are removed when the process ends.
 */

import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { newTemporaryDirectory, SharedDirectory } from "../temporary-directory.js";
import { contentsOfSingleFile, partBytes } from "./assets.js";
import { load } from "./load.js";

let root: string | undefined;

/** Returns the path of a directory, whose files are written if they are not there. @throws ERR_IO, ERR_USAGE */
export function directory(name: string): string {
	try {
		root ??= newRoot();
		const directory = join(root, name);
		if (!existsSync(directory)) writeInto(root, name);
		return directory;
	} catch (cause) {
		// All bundles share this module, so that they recognise the error.
		const { ioError, quote, SigtoolError } = load("./errors.cjs") as typeof import("@sigtool/core/internal/errors");
		const action = "write parts of sigtool to";
		if (!(cause instanceof SharedDirectory)) throw ioError(action, tmpdir(), cause);
		throw new SigtoolError("ERR_USAGE", `Cannot ${action} ${quote(tmpdir())}: ${cause.message}`, { path: tmpdir() });
	}
}

function writeInto(root: string, name: string): void {
	for (const { path, mode } of contentsOfSingleFile().files) {
		if (!path.startsWith(`${name}/`)) continue;
		const file = join(root, path);
		mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
		writeFileSync(file, partBytes(path), { flag: "wx", mode });
	}
}

function newRoot(): string {
	process.once("exit", removeDirectories);
	return newTemporaryDirectory("sigtool-");
}

export function removeDirectories(): void {
	if (root !== undefined) rmSync(root, { recursive: true, force: true });
	root = undefined;
}
