/**
 * Adopts a directory without a catalog into a trust index. Nobody signed its files, so the signer of the index vouches
 * for them. Every file is recorded as it is now. No ignore pattern leaves a file out. Only a directory that the same
 * index compiles on its own is left out.
 */

import { join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { describeStaleBytecode } from "../fileset/compare/stale-bytecode.js";
import type { FileVisitor } from "../fileset/hash/hash-file.js";
import { type HashFileSetOptions, type HashProgress, hashFileSet } from "../fileset/hash/hash-files.js";
import { entryPathAt } from "../fileset/manifest.js";
import { conventionalCatalog, isBelow, realPath } from "../fileset/paths/locate-catalogs.js";
import { findOtherWriters, type OtherWriters } from "../fileset/paths/other-writers.js";
import type { TrustPolicy } from "../pki/trust-policy.js";
import { exists } from "../system/look-up.js";
import type { IndexEntry } from "../trust/index-entries.js";
import { ownCatalogsIn } from "../verify/find-catalogs.js";
import { watchForDenied } from "../verify/verify-denied.js";
import { type CompiledDirectory, collectFiles } from "./compile-directory.js";

export interface AdoptOptions {
	/**
	 * The real paths of all directories of the index. A directory of this list that is below the adopted directory is
	 * left out, because it is compiled on its own.
	 */
	readonly roots: readonly string[];
	/** The trust policy. A file that its deny list names is refused. */
	readonly trust: TrustPolicy;
	readonly onProgress: ((done: HashProgress) => void) | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Records a directory as it is now. The product gets the directory's real path as its name.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_PATH_*, ERR_FILE_TYPE, ERR_FILE_CHANGED, ERR_DENIED, ERR_LIMIT, ERR_IO
 */
export async function adoptDirectory(directory: string, options: AdoptOptions): Promise<CompiledDirectory> {
	const { roots } = options;
	const root = realPath(directory);
	const writers = findOtherWriters(root);
	return adoptFiles(root, options, writers, {
		exclude(path, kind) {
			if (kind === "file") return false;
			const place = join(root, path);
			if (roots.includes(place)) return true;
			writers.look(place);
			return false;
		},
	});
}

/**
 * Records the files of the directory with the real path `root` that `files` selects, as they are now.
 * @throws the errors of `adoptDirectory`
 */
export async function adoptFiles(
	root: string,
	{ roots, trust, onProgress, signal }: AdoptOptions,
	writers: OtherWriters,
	files: {
		readonly only?: readonly string[];
		readonly exclude?: HashFileSetOptions["exclude"];
		readonly visitor?: FileVisitor;
	},
): Promise<CompiledDirectory> {
	if (exists(conventionalCatalog(root)) || ownCatalogsIn(root).length > 0) {
		const message = `Cannot adopt ${quote(root)}: it carries a catalog; name it without --adopt, so that it is verified`;
		throw new SigtoolError("ERR_USAGE", message, { path: root });
	}
	const { visitor: collector, seen: entries, sources } = collectFiles();
	const denied = watchForDenied(trust, "sha256", {
		begin(file) {
			files.visitor?.begin(file);
			collector.begin(file);
		},
		content(piece) {
			files.visitor?.content(piece);
			collector.content(piece);
		},
		undo: collector.undo,
		end(file, sha256) {
			writers.look(file.path, file.stats);
			files.visitor?.end(file, sha256);
			return collector.end(file, sha256);
		},
	});
	const manifest = await hashFileSet(root, {
		linksOutside: "record",
		caseCollisions: "allow",
		only: files.only,
		exclude: files.exclude,
		onProgress,
		signal,
		visitor: denied.visitor,
	});
	const [denial] = denied.findings;
	if (denial !== undefined) {
		throw new SigtoolError(denial.code, `Cannot adopt ${quote(root)}: ${denial.message}`, { path: denial.path });
	}
	for (const [row, target] of manifest.linkTargets) entries.set(entryPathAt(manifest, row), { kind: "link", target });
	const linkCount = manifest.linkTargets.size;
	const stale = describeStaleBytecode(manifest);
	return {
		content: { name: root, root, sequence: undefined, adopted: true, catalogs: [], entries },
		product: {
			...{ name: root, root, sequence: undefined, adopted: true, catalogs: [] },
			fileCount: entries.size - linkCount,
			linkCount,
		},
		sources,
		warnings: [
			...writers.warnings(),
			...linkWarnings(root, entries, roots),
			...(stale === undefined ? [] : [`in ${quote(root)}, ${stale.text}`]),
		],
	};
}

/**
 * Returns one warning about all links whose targets are outside of all directories of the index, or no warning if there
 * are no such links.
 */
function linkWarnings(root: string, entries: ReadonlyMap<string, IndexEntry>, roots: readonly string[]): string[] {
	const leadOut = [...entries].flatMap(([path, { kind }]) => {
		const end = kind === "link" ? realPathIfThere(join(root, path)) : undefined;
		return end === undefined || roots.some((each) => end === each || isBelow(each, end)) ? [] : [{ path, end }];
	});
	const [first, ...others] = leadOut;
	if (first === undefined) return [];
	const more = others.length === 0 ? "" : `, and ${others.length} more link${others.length === 1 ? "" : "s"} elsewhere`;
	return [
		`${quote(join(root, first.path))} leads to ${quote(first.end)}${more}: what is in no directory of the index is not loaded`,
	];
}

function realPathIfThere(path: string): string | undefined {
	try {
		return realPath(path);
	} catch {
		// Nothing can be loaded through a link that leads to no file, so no warning is needed.
		return undefined;
	}
}
