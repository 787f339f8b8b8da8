/**
 * Compiles a signed directory into its part of a trust index.
 *
 * The directory is compared with its catalogs as `verify` does, and any difference is an error. For each file the index
 * records the SHA-256 of all bytes at the time of this comparison. A catalog may cover less: for an executable or a
 * cabinet it may have only the Authenticode digest, and this digest leaves out some bytes.
 */

import { hash } from "node:crypto";
import { dirname } from "node:path";
import { COMMAND, quote, SigtoolError } from "../errors.js";
import type { SignedFile } from "../fileset/compare/compare.js";
import type { FileVisitor } from "../fileset/hash/hash-file.js";
import type { HashProgress } from "../fileset/hash/hash-files.js";
import { ENTRY_KIND } from "../fileset/manifest.js";
import { realPath } from "../fileset/paths/locate-catalogs.js";
import type { TrustPolicy } from "../pki/trust-policy.js";
import type { ProductContent } from "../trust/index-encode.js";
import type { IndexEntry } from "../trust/index-entries.js";
import { linkRules, signedEntries } from "../verify/merge.js";
import type { RevocationOptions } from "../verify/revocation-sources.js";
import type { UsedCatalog } from "../verify/used-catalog.js";
import { verifyDirectory } from "../verify/verify-directory.js";
import { type CompiledSources, collectSources } from "./source-collector.js";

export interface DirectoryOptions {
	readonly trust: TrustPolicy;
	/**
	 * The paths of the catalogs. They may be given only if a single signed directory is compiled. The default is the
	 * catalogs in each directory.
	 */
	readonly catalogs?: readonly string[];
	/**
	 * The name of the product that the catalogs must name. If they name no product, the directory becomes part of the
	 * product with this name. The name may be given only if a single signed directory is compiled.
	 */
	readonly product?: string;
	/** The number of different keys that must have signed each entry. The default is 1. */
	readonly requiredSigners?: number;
	/** Without this option revocation is not checked. */
	readonly revocation?: RevocationOptions;
	/** The verdict for catalogs that a development identity signed. The default is `refuse`. */
	readonly development?: "refuse" | "allow";
	/** Is called while the files of a directory are hashed: at most every 50 ms, and once more at its end. */
	readonly onProgress?: (done: HashProgress) => void;
	/**
	 * Ends the work early, also while a server is asked. The promise rejects with AbortError, and nothing is written.
	 */
	readonly signal?: AbortSignal;
}

export interface CompiledProduct {
	readonly name: string;
	readonly root: string;
	/** The sequence in the catalogs. Undefined if they have none. */
	readonly sequence: number | undefined;
	/** True if the directory has no catalog, and the signer of the index vouches for its content as it was (`--adopt`). */
	readonly adopted: true | undefined;
	readonly fileCount: number;
	readonly linkCount: number;
	readonly catalogs: readonly UsedCatalog[];
}

export interface CompiledDirectory {
	readonly content: ProductContent;
	readonly product: CompiledProduct;
	/** The sources among the entries for which Node.js compiles another text than the file's bytes. */
	readonly sources: CompiledSources;
	readonly warnings: readonly string[];
}

/**
 * Compares a signed directory with its catalogs and returns its entries.
 * @throws the errors of `verifyPath`, the code of the first difference, ERR_DEVELOPMENT_IDENTITY,
 * ERR_PRODUCT_MISMATCH, ERR_USAGE
 */
export async function compileDirectory(directory: string, options: DirectoryOptions): Promise<CompiledDirectory> {
	const { trust, catalogs: given, development = "refuse", requiredSigners, revocation } = options;
	const { onProgress, signal } = options;
	const root = realPath(directory);
	const sources = { trust, catalogs: given, match: "path", requiredSigners } as const;
	const { visitor, seen, sources: found } = collectFiles();
	const verification = await verifyDirectory(directory, { ...sources, revocation, onProgress, signal, visitor });
	const [difference] = verification.findings;
	if (difference !== undefined) {
		const others = verification.findings.length === 1 ? "" : `; ${verification.findings.length - 1} more differ`;
		const message = `Cannot compile ${quote(directory)}: ${difference.message}${others}; see \`${COMMAND} verify\``;
		const { findings } = verification;
		throw new SigtoolError(difference.code, message, { path: difference.path, root: verification.root, findings });
	}
	const { catalogs, warnings } = verification;
	for (const catalog of catalogs) checkCatalog(catalog, given === undefined ? root : undefined, development);
	if (linkRules(catalogs).links === "follow") {
		const message = `Cannot compile ${quote(directory)}: it was signed with --links follow, and files are known by their real paths when they are loaded`;
		throw new SigtoolError("ERR_USAGE", message, { path: directory });
	}
	const { files, links } = signedEntries(catalogs, sources).set;
	const entries = new Map<string, IndexEntry>();
	for (const path of files.keys()) {
		const entry = seen.get(path);
		if (entry === undefined)
			throw new SigtoolError("ERR_INTERNAL", `Cannot compile ${quote(path)}: it was not looked at`);
		entries.set(path, entry);
	}
	for (const [path, target] of links) entries.set(path, { kind: "link", target });
	const partial = [...files.values()].filter(isSignedInPart).length;
	const name = productOf(directory, catalogs, options.product);
	const sequence = lowestSequence(catalogs);
	return {
		content: {
			name,
			root,
			sequence,
			catalogs: [...new Set(catalogs.map(({ bytes }) => hash("sha256", bytes, "hex")))].sort(),
			entries,
		},
		product: { name, root, sequence, adopted: undefined, fileCount: files.size, linkCount: links.size, catalogs },
		sources: sourcesAmong(entries, found),
		warnings: partial === 0 ? warnings : [...warnings, `in ${quote(root)}, ${partialWarning(partial)}`],
	};
}

/** Returns true for a PE image or a cabinet if no catalog has the SHA-256 of the whole file. */
function isSignedInPart({ kind, wholeSha256 }: SignedFile): boolean {
	return (kind === ENTRY_KIND.pe || kind === ENTRY_KIND.cab) && wholeSha256 === undefined;
}

function partialWarning(count: number): string {
	const subject = count === 1 ? "1 executable or cabinet is" : `${count} executables or cabinets are`;
	return `${subject} signed by an Authenticode digest alone: the signer of the index vouches for the bytes that it leaves out, as they are now`;
}

/**
 * Returns a visitor that adds each hashed file to `seen`, with its size and the SHA-256 of its complete content, and that
 * collects sources from the same read.
 */
export function collectFiles(): {
	readonly visitor: FileVisitor;
	readonly seen: Map<string, IndexEntry>;
	readonly sources: CompiledSources;
} {
	const seen = new Map<string, IndexEntry>();
	const { visitor, sources } = collectSources();
	return {
		seen,
		sources,
		visitor: {
			...visitor,
			end(file, sha256) {
				const { name, stats } = file;
				seen.set(name, { kind: "file", sha256: Buffer.from(sha256).toString("hex"), size: stats.size });
				return visitor.end(file, sha256);
			},
		},
	};
}

/** Returns the sources that are files of the index. Nothing else that was hashed may become a signed text. */
function sourcesAmong(entries: ReadonlyMap<string, IndexEntry>, found: CompiledSources): CompiledSources {
	const isEntry = ([path]: readonly [string, unknown]) => entries.get(path)?.kind === "file";
	return {
		unmarked: new Map([...found.unmarked].filter(isEntry)),
		typescript: new Map([...found.typescript].filter(isEntry)),
		typescriptBytes: found.typescriptBytes,
	};
}

/**
 * Refuses a catalog that a development identity signed, unless `development` is `allow`. Refuses a catalog that is not
 * in the directory `root`, because such a catalog signs a larger tree. `root` is undefined if the caller named the
 * catalogs.
 * @throws ERR_USAGE, ERR_DEVELOPMENT_IDENTITY
 */
function checkCatalog({ file, signer }: UsedCatalog, root: string | undefined, development: "refuse" | "allow"): void {
	const place = realPath(dirname(file));
	if (root !== undefined && place !== root) {
		const message = `Cannot compile ${quote(root)}: it is part of the signed tree ${quote(place)}; compile that`;
		throw new SigtoolError("ERR_USAGE", message, { path: root });
	}
	if (signer.development && development === "refuse") {
		const message = `Cannot trust ${quote(file)}: a development identity signed it; sign it with a release key, or use --allow-development`;
		throw new SigtoolError("ERR_DEVELOPMENT_IDENTITY", message, { path: file });
	}
}

/**
 * Returns the one product that all catalogs name, or `asked` if they name none.
 * @throws ERR_USAGE, ERR_PRODUCT_MISMATCH
 */
function productOf(directory: string, catalogs: readonly UsedCatalog[], asked: string | undefined): string {
	const [found, ...others] = new Set(catalogs.map(({ facts }) => facts.product));
	if (others.length > 0) {
		throw new SigtoolError("ERR_USAGE", `Cannot compile ${quote(directory)}: its catalogs are of several products`);
	}
	const product = found ?? asked;
	if (product === undefined) {
		const message = `Cannot compile ${quote(directory)}: its catalog names no product; name it with --product`;
		throw new SigtoolError("ERR_USAGE", message, { path: directory });
	}
	if (asked !== undefined && asked !== product) {
		const message = `Cannot compile ${quote(directory)}: it is of product ${quote(product)}, expected ${quote(asked)}`;
		throw new SigtoolError("ERR_PRODUCT_MISMATCH", message, { path: directory });
	}
	return product;
}

/**
 * Returns the lowest sequence of the catalogs, because a directory is only as new as its oldest catalog. Returns
 * undefined if any of the catalogs has no sequence.
 */
function lowestSequence(catalogs: readonly UsedCatalog[]): number | undefined {
	const sequences = catalogs.map(({ facts }) => facts.sequence);
	return sequences.reduce((lowest, each) =>
		lowest === undefined || each === undefined ? undefined : Math.min(lowest, each),
	);
}
