/** Reads the symbolic links of a file set, and checks if they lead out of the tree. */

import { readlinkSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { ioError, quote, SigtoolError } from "../../errors.js";
import { leavesRoot, whereLinkLeads } from "../paths/resolve-entry.js";

export interface LinkOptions {
	/**
	 * The value `record` makes each link an entry, `follow` replaces a link by its target, and `reject` refuses links.
	 */
	readonly links: "record" | "reject" | "follow";
	/**
	 * The value `refuse` refuses links that lead out of the tree. A followed link is refused only if it ends outside of
	 * the tree. A recorded link is also refused if it is absolute, or if it leaves the tree and comes back through
	 * other links.
	 */
	readonly linksOutside: "refuse" | "record";
}

/**
 * Returns the "/"-separated target of the link at the entry path `path`. `base` is the real path of the tree and ends
 * in "/".
 * @throws ERR_LINK_REJECTED, ERR_LINK_OUTSIDE, ERR_PATH_ENCODING, ERR_IO
 */
export function linkTarget(base: string, path: string, options: LinkOptions): string {
	if (options.links === "reject") {
		const message = `Cannot hash ${quote(path)}: it is a symbolic link; --links record makes it an entry`;
		throw new SigtoolError("ERR_LINK_REJECTED", message, { path });
	}
	const target = readTarget(base, path);
	if (options.linksOutside === "record") return target;
	// The text of the target is judged too, because Windows removes `name/..` before it looks at links.
	if (leavesRoot(path, target)) throw outside(path, target, "is outside the tree");
	if (whereLinkLeads(resolve(base), path) !== "inside") {
		throw outside(path, target, "leads out of the tree through another link");
	}
	return target;
}

export interface LinkEnd {
	readonly kind: "file" | "directory" | "other";
	readonly realPath: string;
}

/**
 * Resolves the link at the entry path `path`, and all links to which it leads.
 * @throws ERR_LINK_OUTSIDE, ERR_IO (also for a dangling link)
 */
export function followLink(base: string, path: string, options: LinkOptions): LinkEnd {
	try {
		const realPath = slashes(realpathSync.native(base + path));
		if (options.linksOutside === "refuse" && !`${realPath}/`.startsWith(base))
			throw outside(path, realPath, "is outside the tree");
		const stat = statSync(realPath);
		return { kind: stat.isFile() ? "file" : stat.isDirectory() ? "directory" : "other", realPath };
	} catch (cause) {
		throw cause instanceof SigtoolError ? cause : ioError("follow link", path, cause);
	}
}

/** Returns the error for a followed link to a directory that contains the link. */
export function linkCycle(path: string, realPath: string): SigtoolError {
	const message = `Cannot follow link ${quote(path)}: it leads back to ${quote(realPath)}, which contains it`;
	return new SigtoolError("ERR_LINK_CYCLE", message, { path });
}

/**
 * Followed links can multiply a tree: 26 directories, each with two links to the next one, become 67 million
 * directories. Therefore a directory may be entered through links at most this number of times. In a real monorepo,
 * several hundred links can lead to one package.
 */
const MAX_ENTRIES_OF_ONE = 1024;
/** All directories together are entered through links at most this number of times, which takes about 10 seconds. */
const MAX_ENTRIES = 2 ** 18;

export interface LinkLimits {
	/**
	 * Counts the directory at `realPath`, which is reached through links as `path`. Returns an ERR_LIMIT if this
	 * directory must not be entered.
	 */
	enter(path: string, realPath: string): SigtoolError | undefined;
}

/** Returns the limits for one walk. */
export function linkLimits(): LinkLimits {
	const counts = new Map<string, number>();
	let total = 0;
	return {
		enter(path, realPath) {
			const count = counts.get(realPath) ?? 0;
			if (count === MAX_ENTRIES_OF_ONE) {
				return tooManyLinks(path, `${quote(realPath)} more than ${MAX_ENTRIES_OF_ONE} times`);
			}
			if (total === MAX_ENTRIES) return tooManyLinks(path, `directories more than ${MAX_ENTRIES} times`);
			counts.set(realPath, count + 1);
			total++;
			return undefined;
		},
	};
}

function tooManyLinks(path: string, where: string): SigtoolError {
	const message = `Cannot follow links to ${quote(path)}: links lead to ${where}; --links record signs links themselves`;
	return new SigtoolError("ERR_LIMIT", message, { path });
}

function readTarget(base: string, path: string): string {
	let bytes: Buffer;
	try {
		bytes = readlinkSync(base + path, { encoding: "buffer" });
	} catch (cause) {
		throw ioError("read link", path, cause);
	}
	const target = bytes.toString();
	if (!Buffer.from(target).equals(bytes)) {
		throw new SigtoolError("ERR_PATH_ENCODING", `Cannot hash ${quote(path)}: its target is not valid UTF-8`, { path });
	}
	return slashes(target);
}

/** Returns the path with "/" as separator, as entry paths have it. */
export function slashes(path: string): string {
	return process.platform === "win32" ? path.replaceAll("\\", "/") : path;
}

function outside(path: string, target: string, what: string): SigtoolError {
	const reason = `its target ${quote(target)} ${what}; --links-outside record accepts it`;
	return new SigtoolError("ERR_LINK_OUTSIDE", `Cannot hash link ${quote(path)}: ${reason}`, { path });
}
