/**
 * Makes directories for files that this user or another program runs. Who may write to the directory above can put
 * another directory of the same name there, whatever its mode is.
 */

import { mkdtempSync, realpathSync, type Stats, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Tells that another user can exchange what is in `directory`, so that a caller can make its own error. */
export class SharedDirectory extends Error {
	readonly directory: string;

	constructor(directory: string) {
		const mend = "let TMPDIR name a directory where nobody else can";
		super(`another user can exchange what is in ${JSON.stringify(directory)}; ${mend}`);
		this.directory = directory;
	}
}

/**
 * Makes a directory of mode 0700 in the directory for temporary files, and returns its real path.
 * @throws SharedDirectory; an Error with an errno
 */
export function newTemporaryDirectory(prefix: string): string {
	return mkdtempSync(join(privateTemporaryDirectory(), prefix));
}

/**
 * Returns the real path of the directory for temporary files. @throws SharedDirectory if it, or a directory above it, is
 * one where another user can rename what this user makes; an Error with an errno
 */
export function privateTemporaryDirectory(): string {
	const directory = realpathSync(tmpdir());
	for (let above = directory; ; above = dirname(above)) {
		if (isShared(statSync(above))) throw new SharedDirectory(above);
		if (above === dirname(above)) return directory;
	}
}

/**
 * In a directory with the sticky bit only owners can rename. A group with the number of the owner is the owner's alone,
 * as most systems make one for each user.
 */
function isShared({ mode, uid, gid }: Stats): boolean {
	const me = process.getuid?.();
	if (me === undefined) return false; // Windows has no modes to look at.
	if (uid !== 0 && uid !== me) return true;
	return (mode & STICKY) === 0 && ((mode & EVERYONE_WRITES) !== 0 || ((mode & GROUP_WRITES) !== 0 && gid !== uid));
}

const STICKY = 0o1000;
const GROUP_WRITES = 0o020;
const EVERYONE_WRITES = 0o002;
