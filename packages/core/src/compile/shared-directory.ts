/** Warns about an adopted directory that many packages of the distribution share. */

import { join } from "node:path";
import { quote } from "../errors.js";
import { INFO, infoNames, linesOf } from "../fileset/packages/dpkg-lists.js";
import { realPath } from "../fileset/paths/locate-catalogs.js";

/**
 * The number of files of other packages that a directory may have without a warning. The library of one CPython is split
 * over several packages, of which all but the largest have some 700 files together. A directory that all packages share,
 * such as /usr/lib/python3, soon has thousands.
 */
const MAX_FOREIGN_FILES = 1000;

/**
 * Returns a warning if a directory has more than MAX_FOREIGN_FILES files that do not belong to the package with the most
 * files in it: probably most of them are not needed. Returns undefined where there is no dpkg. `system` is the directory
 * below which the system lies.
 * @throws ERR_ROOT_MISSING, ERR_PACKAGE, ERR_LIMIT, ERR_IO
 */
export function sharedDirectoryWarning(directory: string, system = "/"): string | undefined {
	const root = realPath(directory);
	const counts = countsByPackage(system === "/" ? root : root.slice(system.length), system).sort((a, b) => b - a);
	const foreign = counts.slice(1).reduce((sum, count) => sum + count, 0);
	if (foreign <= MAX_FOREIGN_FILES) return undefined;
	return `${quote(root)} has ${counts[0] + foreign} files of ${counts.length} packages: all of them may be loaded as code, and an upgrade of any of them needs a new index; adopt only the packages that are needed, with --adopt-package`;
}

/** Returns how many files each package has below a directory. */
function countsByPackage(directory: string, system: string): number[] {
	const info = join(system, INFO);
	const prefix = directory.endsWith("/") ? directory : `${directory}/`;
	return infoNames(info).flatMap((name) => {
		if (!name.endsWith(".list")) return [];
		const lines = linesOf(join(info, name)) ?? [];
		// A directory is followed by its content.
		const files = lines.filter((line, at) => line.startsWith(prefix) && !lines[at + 1]?.startsWith(`${line}/`));
		return files.length === 0 ? [] : [files.length];
	});
}
