/** Finds signed native code in directories that a launched program may write below. The launcher refuses it at each start. */

import { closeSync, constants, existsSync, openSync, readSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { parseTrustIndex } from "@sigtool/core/internal";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import { fromIndexFile } from "../output/index-file.js";
import type { LauncherConf } from "./launcher-conf.js";

type Grants = Pick<LauncherConf, "index" | "trees" | "writable">;

/** @throws ERR_LAUNCHER if the policy grants a directory with signed native code, and the errors of parsing the index */
export function refuseGrantedCode(conf: Grants): void {
	for (const directory of conf.writable) {
		const file = signedCodeBelow(directory, conf);
		if (file === undefined) continue;
		const message = `Cannot make ${quote(directory)} writable, as launch.write of the policy asks: ${quote(file)} in it is signed native code; grant a directory without it`;
		throw new SigtoolError("ERR_LAUNCHER", message, { path: file });
	}
}

/**
 * Returns a file below the directory that the index names and that is an ELF file now, or undefined.
 * @throws the errors of parsing the index
 */
export function signedCodeBelow(directory: string, { index, trees }: Omit<Grants, "writable">): string | undefined {
	if (!existsSync(directory) || !existsSync(index)) return undefined;
	const granted = realpathSync(directory);
	const roots = trees.filter((tree) => existsSync(tree)).map((tree) => realpathSync(tree));
	const around = roots.filter((root) => granted.startsWith(`${root}/`));
	if (around.length === 0) return undefined;
	const parsed = fromIndexFile(index, parseTrustIndex);
	// The launcher too takes a path of any product for one below each root.
	const names = parsed.products.flatMap(({ name }) => [...parsed.entries(name)].map(([path]) => path));
	const files = around.flatMap((root) => names.map((name) => join(root, name)));
	return files.find((file) => file.startsWith(`${granted}/`) && isNative(file));
}

function isNative(file: string): boolean {
	try {
		const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
		const head = Buffer.alloc(4);
		readSync(descriptor, head, 0, head.length, 0);
		closeSync(descriptor);
		return head.toString("latin1") === "\x7fELF";
	} catch {
		return false; // A file that is not there, or a link, is no code that could be changed here.
	}
}
