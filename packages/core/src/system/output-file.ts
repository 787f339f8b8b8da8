/** Finds the path of an output that the user named, and refuses to replace a newer one. Writes nothing. */

import { readlinkSync, type Stats } from "node:fs";
import { dirname, isAbsolute } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { refusal } from "./disk-errors.js";
import { beside, lstatIfThere, statIfThere } from "./look-up.js";

/**
 * Returns the path to write an output to that the user named: the one to which its links lead, as with any other
 * program, because `writeAtomically` would replace a link. The file need not exist.
 * @throws ERR_USAGE if the name ends with `/`, or there is no regular file by this name but something else; ERR_IO
 */
export function outputFile(path: string): string {
	const stats = path.endsWith("/") ? "directory" : statIfThere(path);
	if (stats === "directory" || stats?.isDirectory()) throw notWritable(path, "it is a directory; name the file");
	if (stats?.isFile() === false) throw notWritable(path, "it is no regular file; name another");
	let file = path;
	for (let links = 0; links < MAX_LINKS; links++) {
		const entry = lstatIfThere(file);
		if (entry?.isSymbolicLink() !== true) return file;
		refuseLinkOfOthers(file, entry);
		const target = readlinkSync(file);
		file = isAbsolute(target) ? target : beside(file, target);
	}
	throw refusal("write", path, "it leads through too many links");
}

/** The number of links that Linux follows on a path. */
const MAX_LINKS = 40;

/**
 * Refuses a link in a directory for everybody, such as /tmp, if neither this user nor the owner of the directory made
 * it. The kernel does so too, if fs.protected_symlinks is set.
 */
function refuseLinkOfOthers(link: string, { uid }: Stats): void {
	const directory = statIfThere(dirname(link));
	const isShared = directory !== undefined && (directory.mode & 0o1002) === 0o1002;
	if (!isShared || uid === directory.uid || uid === process.geteuid?.()) return;
	throw refusal("write", link, `it is a link of user ${uid}; remove it, or name another file`);
}

/** The way out for a command that takes both options. */
export const HIGHER_OR_FORCE = "give a higher --sequence, or --force";

/**
 * Refuses to replace a file that has a higher sequence, because a host that knows the higher one would refuse the new
 * file. `hint` tells the way out. @throws ERR_CATALOG_EXISTS
 */
export function refuseLowerSequence(file: string, sequence: number, present: number | undefined, hint: string): void {
	if (present === undefined || present <= sequence) return;
	const message = `Cannot replace ${quote(file)}: sequence ${sequence} is lower than ${present}, which it has; ${hint}`;
	throw new SigtoolError("ERR_CATALOG_EXISTS", message, { path: file });
}

function notWritable(path: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_USAGE", `Cannot write ${quote(path)}: ${reason}`, { path });
}
