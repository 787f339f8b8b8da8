/**
 * The verb: the extended attributes that a verified catalog carries, back on the files they were signed with.
 *
 * catalogs are verified first, as for `verify` → every file with attributes is opened once, held against its signed
 * digest and only then written to (`fileset/restore-file.ts`). No key is needed: the signatures were made when signing.
 */

import { quote, SigtoolError } from "../errors.js";
import type { Finding, SignedFile } from "../fileset/compare.js";
import { comparePathBytes } from "../fileset/entry-path.js";
import type { HashProgress } from "../fileset/hash-files.js";
import { kindOf, realPath } from "../fileset/locate-catalogs.js";
import { resolveEntry } from "../fileset/resolve-entry.js";
import { restoreFile } from "../fileset/restore-file.js";
import { denialOf, denied } from "../pki/deny-list.js";
import { loadAttributes } from "../system/attributes.js";
import { linkRules, signedEntries } from "../verify/merge.js";
import { loadCatalogs, type SourceOptions } from "../verify/sources.js";
import type { UsedCatalog } from "../verify/used-catalog.js";
import { worstExitStatus } from "../verify/verification.js";
import { lexicalEntry } from "../verify/verify-file.js";

export interface RestoreOptions extends Omit<SourceOptions, "match" | "requiredSigners"> {
	readonly onProgress?: (done: HashProgress) => void;
}

export interface Restoration {
	readonly path: string;
	/** `undecided`: what is not restored is so only because the system refused. */
	readonly verdict: "restored" | "failed" | "undecided";
	readonly catalogs: readonly UsedCatalog[];
	/** Files that the catalogs carry attributes for. */
	readonly fileCount: number;
	/** Files that got an attribute, and attributes written. */
	readonly writtenFileCount: number;
	readonly writtenCount: number;
	/** Attributes that were as signed. */
	readonly unchangedCount: number;
	/** Files that were not restored, and why, in path order. */
	readonly findings: readonly Finding[];
	readonly warnings: readonly string[];
}

/**
 * Restores attributes below a signed directory, or a directory of a signed tree. Files without carried attributes, and
 * attributes that are not carried, are left alone.
 * @throws ERR_USAGE when nothing there has carried attributes, ERR_ATTRIBUTES_UNAVAILABLE, and as `verifyPath` what keeps
 * a catalog from being trusted
 */
export async function restoreAttributes(path: string, options: RestoreOptions): Promise<Restoration> {
	if (kindOf(path) !== "directory") {
		throw new SigtoolError("ERR_USAGE", `Cannot restore ${quote(path)}: name the signed directory, or one in it`, {
			path,
		});
	}
	const { catalogs, root } = loadCatalogs(path, options);
	const realRoot = realPath(root);
	const { links } = linkRules(catalogs);
	const within = entryWithin(root, path, links);
	const files = carryingFiles(signedEntries(catalogs, { ...options, match: "path" }).set.files, within);
	if (files.length === 0) throw nothingCarried(path, catalogs);
	const access = await loadAttributes();

	const findings: Finding[] = [];
	let [writtenFileCount, writtenCount, unchangedCount, done, bytes] = [0, 0, 0, 0, 0];
	for (const [entry, file] of files) {
		try {
			const denial = denialOf(options.trust.deny, "file", Buffer.from(file.digest).toString("hex"));
			if (denial !== undefined) throw denied(quote(entry), denial);
			const restored = restoreFile(realRoot, entry, file, access, { links: links === "follow" ? "follow" : "refuse" });
			if (restored.writtenCount > 0) writtenFileCount++;
			writtenCount += restored.writtenCount;
			unchangedCount += restored.unchangedCount;
			bytes += restored.sizeBytes;
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			findings.push({ code: error.code, path: entry, message: error.message });
		}
		options.onProgress?.({ files: ++done, totalFiles: files.length, bytes });
	}
	const verdict = findings.length === 0 ? "restored" : worstExitStatus(findings) === 3 ? "undecided" : "failed";
	const warnings = catalogs.flatMap((catalog) => catalog.warnings);
	const counts = { fileCount: files.length, writtenFileCount, writtenCount, unchangedCount };
	return { path, verdict, catalogs, ...counts, findings, warnings };
}

/** Entry path of a directory of the tree; undefined for all of it. @throws ERR_USAGE when it leads out of the tree */
function entryWithin(root: string, path: string, links: "record" | "reject" | "follow"): string | undefined {
	if (realPath(root) === realPath(path)) return undefined;
	const lexical = lexicalWithin(root, path);
	const entry = links === "follow" ? lexical : resolveEntry(realPath(root), lexical).entry;
	if (entry !== undefined) return entry === "" ? undefined : entry;
	throw new SigtoolError("ERR_USAGE", `Cannot restore ${quote(path)}: it leads out of ${quote(root)}`, { path });
}

/** As `lexicalEntry`, which advises options that only `verify` has. */
function lexicalWithin(root: string, path: string): string {
	try {
		return lexicalEntry(root, path);
	} catch (cause) {
		if (!(cause instanceof SigtoolError) || cause.code !== "ERR_USAGE") throw cause;
		const message = `Cannot restore ${quote(path)}: it does not lie below ${quote(root)}; name the signed directory with --root`;
		throw new SigtoolError("ERR_USAGE", message, { cause, path });
	}
}

/** In path order. */
function carryingFiles(files: ReadonlyMap<string, SignedFile>, within: string | undefined): [string, SignedFile][] {
	return [...files]
		.filter(([path, { carried }]) => carried !== undefined && (within === undefined || path.startsWith(`${within}/`)))
		.sort(([a], [b]) => comparePathBytes(a, b));
}

function nothingCarried(path: string, [{ file }]: readonly UsedCatalog[]): SigtoolError {
	const message =
		`Cannot restore ${quote(path)}: ${quote(file)} carries no attributes for it; ` +
		"`sigtool sign --format cat --carry ima` makes one that does";
	return new SigtoolError("ERR_USAGE", message, { path });
}
