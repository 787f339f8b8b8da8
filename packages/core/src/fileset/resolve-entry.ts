/** From a path as a person gives it to the entry the kernel would open, with every symbolic link on the way. */

import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { isAbsolute } from "node:path";
import { ioError, quote, SigtoolError } from "../errors.js";

export interface ResolvedEntry {
	/** Entry path without links; "" for the root. Undefined when a link leads out of the tree. */
	readonly entry: string | undefined;
	/** Entry paths of the links that were followed, in order. */
	readonly links: readonly string[];
}

/** As many links as Linux follows. */
const MAX_LINKS = 40;

/**
 * Follows `path`, relative to the real directory `root`, step by step as the kernel does: `..` behind a link goes up from
 * where the link leads. What does not exist is taken as it stands. @throws ERR_LINK_CYCLE, ERR_IO
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
		const { code } = cause as NodeJS.ErrnoException; // lstatSync throws nothing else.
		if (code === "ENOTDIR") return undefined;
		throw ioError("open", path, cause);
	}
}
