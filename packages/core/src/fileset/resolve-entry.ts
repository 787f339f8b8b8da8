/**
 * Resolves a path from the command line to the entry that the kernel would open, and records the symbolic links in it.
 */

import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { isAbsolute } from "node:path";
import { ioError, quote, SigtoolError } from "../errors.js";

export interface ResolvedEntry {
	/** The entry path without links, "" for the root. It is undefined if the path leaves the tree. */
	readonly entry: string | undefined;
	/** The entry paths of the links that were followed, in order. */
	readonly links: readonly string[];
}

/** The largest number of links that Linux follows in one path (MAXSYMLINKS, linux/namei.h). */
const MAX_LINKS = 40;

/**
 * Follows `path`, which is relative to the real directory `root`, segment by segment as the kernel does. A `..` after
 * a link goes up from the link's target. Segments that do not exist are kept as they are.
 * @throws ERR_LINK_CYCLE, ERR_IO
 */
export function resolveEntry(root: string, path: string): ResolvedEntry {
	const links: string[] = [];
	const done: string[] = [];
	const ahead = path.split("/").reverse();
	while (ahead.length > 0) {
		const step = ahead.pop();
		if (step === undefined || step === "" || step === ".") continue;
		if (step === "..") {
			if (done.pop() === undefined) return { entry: undefined, links };
			continue;
		}
		const here = [...done, step].join("/");
		const stats = lstatOrUndefined(`${root}/${here}`);
		if (stats?.isSymbolicLink() !== true) {
			done.push(step);
			continue;
		}
		links.push(here);
		if (links.length > MAX_LINKS)
			throw new SigtoolError("ERR_LINK_CYCLE", `Cannot follow ${quote(path)}: too many links`);
		const target = readlinkSync(`${root}/${here}`);
		if (isAbsolute(target)) return { entry: undefined, links };
		ahead.push(...target.split(SEPARATOR).reverse());
	}
	return { entry: done.join("/"), links };
}

const SEPARATOR = process.platform === "win32" ? /[\\/]/ : "/";

function lstatOrUndefined(path: string): Stats | undefined {
	try {
		return lstatSync(path, { throwIfNoEntry: false });
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException; // lstatSync() throws no other type for a string.
		if (code === "ENOTDIR") return undefined;
		throw ioError("open", path, cause);
	}
}
