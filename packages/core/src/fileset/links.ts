/** Symbolic links of a file set: what they point at, and whether that stays inside the tree. */

import { readlinkSync, realpathSync, statSync } from "node:fs";
import { ioError, quote, SigtoolError } from "../errors.js";

export interface LinkOptions {
	/** `record`: the link is an entry; `follow`: what it points at stands in its place; `reject`: an error. */
	readonly links: "record" | "reject" | "follow";
	/** Whether a link may be absolute or leave the tree. */
	readonly linksOutside: "refuse" | "record";
}

/**
 * Target of the link `path` of the tree at `base` (which ends in "/"), "/"-separated.
 * @throws ERR_LINK_REJECTED, ERR_LINK_OUTSIDE, ERR_PATH_ENCODING, ERR_IO
 */
export function linkTarget(base: string, path: string, options: LinkOptions): string {
	if (options.links === "reject") {
		const message = `Cannot hash ${quote(path)}: it is a symbolic link; --links record makes it an entry`;
		throw new SigtoolError("ERR_LINK_REJECTED", message, { path });
	}
	const target = readTarget(base, path);
	if (options.linksOutside === "refuse" && leavesRoot(path, target)) throw outside(path, target);
	return target;
}

/** Whether a link at `path` would be absolute or, taken name by name, climb above the root. */
export function leavesRoot(path: string, target: string): boolean {
	if (target.startsWith("/") || /^[A-Za-z]:/.test(target)) return true;
	let depth = path.split("/").length - 1;
	for (const segment of target.split("/")) {
		if (segment === "..") depth--;
		else if (segment !== "" && segment !== ".") depth++;
		if (depth < 0) return true;
	}
	return false;
}

export interface LinkEnd {
	readonly kind: "file" | "directory" | "other";
	readonly realPath: string;
}

/** What the link `path` leads to in the end. @throws ERR_LINK_OUTSIDE, ERR_IO (for a dangling link too) */
export function followLink(base: string, path: string, options: LinkOptions): LinkEnd {
	try {
		const realPath = slashes(realpathSync.native(base + path));
		if (options.linksOutside === "refuse" && !`${realPath}/`.startsWith(base)) throw outside(path, realPath);
		const stat = statSync(realPath);
		return { kind: stat.isFile() ? "file" : stat.isDirectory() ? "directory" : "other", realPath };
	} catch (cause) {
		throw cause instanceof SigtoolError ? cause : ioError("follow link", path, cause);
	}
}

/** The error for a followed link to a directory that contains it. */
export function linkCycle(path: string, realPath: string): SigtoolError {
	const message = `Cannot follow link ${quote(path)}: it leads back to ${quote(realPath)}, which contains it`;
	return new SigtoolError("ERR_LINK_CYCLE", message, { path });
}

function readTarget(base: string, path: string): string {
	let octets: Buffer;
	try {
		octets = readlinkSync(base + path, { encoding: "buffer" });
	} catch (cause) {
		throw ioError("read link", path, cause);
	}
	const target = octets.toString();
	if (!Buffer.from(target).equals(octets)) {
		throw new SigtoolError("ERR_PATH_ENCODING", `Cannot hash ${quote(path)}: its target is not valid UTF-8`, { path });
	}
	return slashes(target);
}

/** The names of a path in the form entries have. */
export function slashes(path: string): string {
	return process.platform === "win32" ? path.replaceAll("\\", "/") : path;
}

function outside(path: string, target: string): SigtoolError {
	const reason = `its target ${quote(target)} is outside the tree; --links-outside record accepts it`;
	return new SigtoolError("ERR_LINK_OUTSIDE", `Cannot hash link ${quote(path)}: ${reason}`, { path });
}
