/** Compares the files and links below a directory with the entries of a trust index. */

import { join } from "node:path";
import { quote, type SigtoolError } from "../errors.js";
import type { Finding } from "../fileset/compare/compare.js";
import { hashFileSet } from "../fileset/hash/hash-files.js";
import { digestAt, entryPathAt, type Manifest } from "../fileset/manifest.js";
import { lstatIfThere } from "../system/look-up.js";
import type { IndexEntry } from "../trust/index-entries.js";

/**
 * Hashes each file of `entries` below the directory `root`, reads each link, and returns the entries that differ. A file of
 * another size is not read. Files that no entry names are not looked at, because no runtime loads them. An entry that cannot be read is a finding too, with
 * the code of its error.
 * @throws ERR_ROOT_MISSING if there is no such directory; ERR_IO, ERR_LIMIT
 */
export async function compareEntries(
	root: string,
	entries: ReadonlyMap<string, IndexEntry>,
): Promise<readonly Finding[]> {
	if (entries.size === 0) return [];
	const manifest = await hashFileSet(root, {
		only: [...entries.keys()],
		reads: (path) => hasSize(join(root, path), entries.get(path)),
		linksOutside: "record",
		caseCollisions: "allow",
		onProblem: "collect",
	});
	const findings = manifest.problems.map(findingOf);
	for (let row = 0; row < manifest.count; row++) {
		const path = entryPathAt(manifest, row);
		const finding = differenceOf(manifest, row, path, entries.get(path));
		if (finding !== undefined) findings.push(finding);
	}
	return findings.sort(byPath);
}

function hasSize(file: string, entry: IndexEntry | undefined): boolean {
	return entry?.kind === "file" && lstatIfThere(file)?.size === entry.size;
}

function differenceOf(manifest: Manifest, row: number, path: string, expected: IndexEntry | undefined) {
	const target = manifest.linkTargets.get(row);
	if (expected?.kind === "link") {
		return target === expected.target ? undefined : changed("ERR_LINK_CHANGED", path, "is another link, or none");
	}
	if (target !== undefined) return changed("ERR_LINK_CHANGED", path, "became a link");
	// The digest of an executable covers only a part of the file, and an index has the digest of the whole.
	const digest = manifest.wholeFiles?.get(row)?.sha256 ?? digestAt(manifest, row);
	const isSame = Buffer.from(digest).toString("hex") === expected?.sha256 && manifest.sizes[row] === expected.size;
	return isSame ? undefined : changed("ERR_FILE_MODIFIED", path, "was modified");
}

function changed(code: Finding["code"], path: string, what: string): Finding {
	return { code, path, message: `${quote(path)} ${what}` };
}

function findingOf({ code, path = "", message }: SigtoolError): Finding {
	return code === "ERR_ROOT_MISSING" ? changed("ERR_FILE_MISSING", path, "is missing") : { code, path, message };
}

function byPath(a: Finding, b: Finding): number {
	return a.path < b.path ? -1 : 1;
}
