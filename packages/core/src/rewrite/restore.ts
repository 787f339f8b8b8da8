/**
 * Implements `sigtool restore`. A catalog can carry extended attributes of its files; `restore` writes these attributes
 * to the files again.
 *
 * The catalogs are verified first, as `verify` verifies them. Then each file with carried attributes is opened once and
 * hashed. The attributes are written only if the digest is the signed one (`fileset/compare/restore-file.ts`). No key is
 * needed, because the catalog contains the signatures.
 */

import { COMMAND, quote, SigtoolError } from "../errors.js";
import type { Finding, SignedFile } from "../fileset/compare/compare.js";
import { restoreFile } from "../fileset/compare/restore-file.js";
import type { HashProgress } from "../fileset/hash/hash-files.js";
import { comparePathBytes } from "../fileset/paths/entry-path.js";
import { kindOf, realPath } from "../fileset/paths/locate-catalogs.js";
import type { ResolvedEntry } from "../fileset/paths/resolve-entry.js";
import { denialOf, denied } from "../pki/deny-list.js";
import { loadAttributes } from "../system/attributes.js";
import { linkRules, signedEntries } from "../verify/merge.js";
import { operandEntry } from "../verify/operand-entry.js";
import { loadCatalogs, type SourceOptions } from "../verify/sources.js";
import type { UsedCatalog } from "../verify/used-catalog.js";
import { worstExitStatus } from "../verify/verification.js";

/** The options of `restoreAttributes`. */
export interface RestoreOptions extends Omit<SourceOptions, "match" | "requiredSigners"> {
	readonly onProgress?: (done: HashProgress) => void;
}

/** Reports what `restoreAttributes` has written, and what it could not write. */
export interface Restoration {
	readonly path: string;
	/**
	 * The value is `undecided` if the code of every finding has exit status 3, for example because the system refused
	 * each write.
	 */
	readonly verdict: "restored" | "failed" | "undecided";
	readonly catalogs: readonly UsedCatalog[];
	/** The number of files for which the catalogs carry attributes. */
	readonly fileCount: number;
	/** The number of files to which an attribute was written. */
	readonly writtenFileCount: number;
	/** The number of attributes that were written. */
	readonly writtenCount: number;
	/** The number of attributes that already had the carried value and were not written. */
	readonly unchangedCount: number;
	/** The files of which not every attribute was restored, each with the reason, in path order. */
	readonly findings: readonly Finding[];
	readonly warnings: readonly string[];
}

/**
 * Restores attributes below a signed directory, or below a directory inside a signed tree. Does not change a file for
 * which the catalogs carry no attributes, nor an attribute that is not carried. Revocation is not checked.
 * @throws ERR_USAGE if the catalogs carry no attributes for any file below `path`; ERR_ATTRIBUTES_UNAVAILABLE; the
 * errors of `verifyPath` for a catalog that cannot be trusted
 * @example
 * ```ts
 * import { defaultTrust, openPemSigner, restoreAttributes, signPaths, stripAttributes } from "@sigtool/core";
 *
 * const signer = await openPemSigner({ keyFile: "release.key", certFile: "release.crt" });
 * await signPaths(["src"], { signer, formats: ["cat", "ima"], carry: "ima", namespace: "user" });
 * await stripAttributes("src", { formats: ["ima"], namespace: "user" }); // Most tools that copy files do that.
 * const { verdict, writtenCount } = await restoreAttributes("src", { trust: defaultTrust() });
 * console.log(verdict, writtenCount); // restored 2
 * ```
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
		const totalBytes = Math.round((bytes * files.length) / ++done);
		options.onProgress?.({ files: done, totalFiles: files.length, bytes, totalBytes });
	}
	const verdict = findings.length === 0 ? "restored" : worstExitStatus(findings) === 3 ? "undecided" : "failed";
	const warnings = catalogs.flatMap((catalog) => catalog.warnings);
	const counts = { fileCount: files.length, writtenFileCount, writtenCount, unchangedCount };
	return { path, verdict, catalogs, ...counts, findings, warnings };
}

/**
 * Returns the entry path of the directory `path`, or undefined if the directory is the root of the tree.
 * @throws ERR_USAGE if the directory is outside the tree
 */
function entryWithin(root: string, path: string, links: "record" | "reject" | "follow"): string | undefined {
	if (realPath(root) === realPath(path)) return undefined;
	const { entry } = entryBelow(root, path, links);
	if (entry !== undefined) return entry === "" ? undefined : entry;
	throw new SigtoolError("ERR_USAGE", `Cannot restore ${quote(path)}: it leads out of ${quote(root)}`, { path });
}

/**
 * Calls `operandEntry`. Replaces the message of an ERR_USAGE, because this message recommends options that only
 * `verify` has.
 */
function entryBelow(root: string, path: string, links: "record" | "reject" | "follow"): ResolvedEntry {
	try {
		return operandEntry(root, path, links);
	} catch (cause) {
		if (!(cause instanceof SigtoolError) || cause.code !== "ERR_USAGE") throw cause;
		const message = `Cannot restore ${quote(path)}: it does not lie below ${quote(root)}; name the signed directory with --root`;
		throw new SigtoolError("ERR_USAGE", message, { cause, path });
	}
}

/**
 * Returns the files that have carried attributes, in path order. If `within` is given, returns only those below
 * `within`.
 */
function carryingFiles(files: ReadonlyMap<string, SignedFile>, within: string | undefined): [string, SignedFile][] {
	return [...files]
		.filter(([path, { carried }]) => carried !== undefined && (within === undefined || path.startsWith(`${within}/`)))
		.sort(([a], [b]) => comparePathBytes(a, b));
}

function nothingCarried(path: string, [{ file }]: readonly UsedCatalog[]): SigtoolError {
	const message =
		`Cannot restore ${quote(path)}: ${quote(file)} carries no attributes for it; ` +
		`\`${COMMAND} sign --format cat --carry ima\` makes one that does`;
	return new SigtoolError("ERR_USAGE", message, { path });
}
