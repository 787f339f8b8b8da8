/**
 * The verb: signed directories, verified once, into one trust index.
 *
 * Each directory is held against its catalogs as `verify` does, and any difference ends the work. What the index records
 * of a file is the SHA-256 of the very octets that were held against the catalog, which of an executable or a cabinet is
 * another digest than the catalog's.
 */

import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { quote, SigtoolError } from "./errors.js";
import type { FileVisitor } from "./fileset/hash-file.js";
import type { HashProgress } from "./fileset/hash-files.js";
import { isBelow, kindOf, realPath } from "./fileset/locate-catalogs.js";
import type { TrustPolicy } from "./pki/trust-store.js";
import type { Signer } from "./signer/signer.js";
import { exists, readBounded, requireFileName, writeAtomically } from "./store.js";
import { encodeIndex, type ProductContent, signIndex } from "./trust/index-encode.js";
import type { IndexEntry } from "./trust/index-entries.js";
import { MAX_TRUST_INDEX_BYTES } from "./trust/index-layout.js";
import { DEFAULT_POLICY, type Policy } from "./trust/policy.js";
import { isTrustIndex } from "./trust/trust-index.js";
import { verifyDirectory } from "./verify-directory.js";
import { linkRules, signedEntries, type UsedCatalog } from "./verify-sources.js";

export interface CompileOptions {
	/** Where the index goes; outside of what it is about. */
	readonly output: string;
	readonly trust: TrustPolicy;
	readonly signer: Signer;
	/** Catalogs of the one directory that is given; the directory's own when absent. */
	readonly catalogs?: readonly string[];
	/** Product of the one directory that is given: of its catalog, or, where that names none, for it. */
	readonly product?: string;
	/** Default DEFAULT_POLICY. */
	readonly policy?: Policy;
	/** Milliseconds since the epoch after which the index is not to be used. */
	readonly notAfter?: number;
	/** Catalogs that a development identity signed. Default `refuse`. */
	readonly development?: "refuse" | "allow";
	/** `own` replaces only trust indexes. */
	readonly overwrite?: "own" | "any";
	/** Milliseconds since the epoch; now when absent. */
	readonly time?: number;
	readonly onProgress?: (done: HashProgress) => void;
}

export interface CompileResult {
	readonly file: string;
	readonly sizeBytes: number;
	/** Hexadecimal SHA-256 of the index. */
	readonly sha256: string;
	readonly products: readonly CompiledProduct[];
	readonly policy: Policy;
	readonly notAfter: number | undefined;
	readonly warnings: readonly string[];
}

export interface CompiledProduct {
	readonly name: string;
	readonly root: string;
	readonly sequence: number | undefined;
	readonly fileCount: number;
	readonly linkCount: number;
	readonly catalogs: readonly UsedCatalog[];
}

/**
 * Compiles signed directories into a trust index.
 * @throws ERR_USAGE, ERR_CATALOG_EXISTS, ERR_DEVELOPMENT_IDENTITY, ERR_PRODUCT_MISMATCH, ERR_LIMIT, what `verifyPath` throws,
 * and the first difference's code
 */
export async function compileTrustIndex(
	directories: readonly string[],
	options: CompileOptions,
): Promise<CompileResult> {
	const { signer, policy = DEFAULT_POLICY, notAfter, time = Date.now() } = options;
	const output = checkCompileTarget(directories, options);
	const compiled: CompiledDirectory[] = [];
	for (const directory of directories) {
		const next = await compileDirectory(directory, options);
		const other = compiled.find(({ product }) => product.name === next.product.name);
		if (other !== undefined) {
			const pair = `${quote(other.product.root)} and ${quote(next.product.root)}`;
			throw new SigtoolError(
				"ERR_USAGE",
				`Cannot compile ${pair} together: both are product ${quote(next.product.name)}`,
			);
		}
		compiled.push(next);
	}
	const catalogs = compiled.flatMap(({ product }) => product.catalogs);
	const content = encodeIndex({
		notAfter,
		policy,
		signers: [...new Set(catalogs.map((catalog) => catalog.signer.spkiSha256))].sort(),
		products: compiled.map((each) => each.content),
	});
	const pieces = await signIndex(content, signer, time);
	writeAtomically(output, pieces);
	const digest = createHash("sha256");
	for (const piece of pieces) digest.update(piece);
	return {
		file: options.output,
		sizeBytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
		sha256: digest.digest("hex"),
		products: compiled.map(({ product }) => product),
		policy,
		notAfter,
		warnings: [...compiled.flatMap(({ warnings }) => warnings), ...laundered(catalogs, signer)],
	};
}

/** A release signature over what a development identity vouched for is one for the signer to answer for. */
function laundered(catalogs: readonly UsedCatalog[], signer: Signer): string[] {
	if (signer.development) return [];
	const developers = catalogs.filter((catalog) => catalog.signer.development);
	return developers.map(({ file }) => `a development identity signed ${quote(file)}, and the index does not say so`);
}

/**
 * What `compileTrustIndex` refuses before it reads any file, for a caller who has to ask for a passphrase first.
 * @returns the real path of the output
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_CATALOG_EXISTS, ERR_IO
 */
export function checkCompileTarget(
	directories: readonly string[],
	{ output, catalogs, product, overwrite = "own" }: Omit<CompileOptions, "trust" | "signer">,
): string {
	requireFileName(output);
	if (directories.length !== 1 && (catalogs ?? product) !== undefined) {
		throw new SigtoolError("ERR_USAGE", "Compile one directory at a time where its catalog or product is named");
	}
	const target = join(realPath(dirname(resolve(output))), basename(output));
	for (const directory of directories) {
		if (kindOf(directory) !== "directory") {
			throw new SigtoolError("ERR_USAGE", `Cannot compile ${quote(directory)}: it is not a directory`, {
				path: directory,
			});
		}
		if (!isBelow(realPath(directory), target)) continue;
		const message = `Cannot write ${quote(output)}: it would be an unsigned file of ${quote(directory)}; write it elsewhere`;
		throw new SigtoolError("ERR_USAGE", message, { path: output });
	}
	if (overwrite === "own" && exists(target) && !isTrustIndex(readBounded(target, MAX_TRUST_INDEX_BYTES))) {
		const message = `Cannot write ${quote(output)}: the file there is not a trust index; --force replaces it`;
		throw new SigtoolError("ERR_CATALOG_EXISTS", message, { path: output });
	}
	return target;
}

interface CompiledDirectory {
	readonly content: ProductContent;
	readonly product: CompiledProduct;
	readonly warnings: readonly string[];
}

async function compileDirectory(directory: string, options: CompileOptions): Promise<CompiledDirectory> {
	const { trust, catalogs: given, development = "refuse", onProgress } = options;
	const root = realPath(directory);
	const seen = new Map<string, IndexEntry>();
	const sources = { trust, catalogs: given, match: "path" } as const;
	const verification = await verifyDirectory(directory, { ...sources, onProgress, visitor: collectInto(seen) });
	const [difference] = verification.findings;
	if (difference !== undefined) {
		const others = verification.findings.length === 1 ? "" : `; ${verification.findings.length - 1} more differ`;
		const message = `Cannot compile ${quote(directory)}: ${difference.message}${others}; see \`sigtool verify\``;
		throw new SigtoolError(difference.code, message, { path: difference.path });
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
	const name = productOf(directory, catalogs, options.product);
	const sequence = lowestSequence(catalogs);
	return {
		content: { name, root, sequence, catalogs: [...new Set(catalogs.map(fileSha256))].sort(), entries },
		product: { name, root, sequence, fileCount: files.size, linkCount: links.size, catalogs },
		warnings,
	};
}

/** The SHA-256 of all of each file's octets, as they go by. */
function collectInto(seen: Map<string, IndexEntry>): FileVisitor {
	return {
		begin() {},
		content() {},
		end({ name, stats }, sha256) {
			seen.set(name, { kind: "file", sha256: Buffer.from(sha256).toString("hex"), size: stats.size });
			return "looked";
		},
		undo() {},
	};
}

/** `root`: where a catalog found by convention must lie; elsewhere the directory is part of a larger tree. */
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

/** What the catalogs vouch for, all the same; where they name nothing, what was asked for. */
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

/** Of several catalogs the oldest release counts; undefined when one has none. */
function lowestSequence(catalogs: readonly UsedCatalog[]): number | undefined {
	const sequences = catalogs.map(({ facts }) => facts.sequence);
	return sequences.reduce((lowest, each) =>
		lowest === undefined || each === undefined ? undefined : Math.min(lowest, each),
	);
}

function fileSha256({ octets }: UsedCatalog): string {
	return createHash("sha256").update(octets).digest("hex");
}
