/**
 * A signed directory as part of a trust index.
 *
 * It is held against its catalogs as `verify` does, and any difference ends the work. What the index records of a file is
 * the SHA-256 of the very octets that were held against the catalog, which of an executable or a cabinet is another digest
 * than the catalog's.
 */

import { createHash } from "node:crypto";
import { dirname } from "node:path";
import type { CompileOptions } from "./compile.js";
import { quote, SigtoolError } from "./errors.js";
import type { FileVisitor } from "./fileset/hash-file.js";
import { realPath } from "./fileset/locate-catalogs.js";
import type { ProductContent } from "./trust/index-encode.js";
import type { IndexEntry } from "./trust/index-entries.js";
import { verifyDirectory } from "./verify-directory.js";
import { linkRules, signedEntries, type UsedCatalog } from "./verify-sources.js";

export interface CompiledProduct {
	readonly name: string;
	readonly root: string;
	readonly sequence: number | undefined;
	/** Nobody signed it. */
	readonly adopted: true | undefined;
	readonly fileCount: number;
	readonly linkCount: number;
	readonly catalogs: readonly UsedCatalog[];
}

export interface CompiledDirectory {
	readonly content: ProductContent;
	readonly product: CompiledProduct;
	readonly warnings: readonly string[];
}

/**
 * A signed directory, held against its catalogs.
 * @throws what `verifyPath` throws, the first difference's code, ERR_DEVELOPMENT_IDENTITY, ERR_PRODUCT_MISMATCH, ERR_USAGE
 */
export async function compileDirectory(directory: string, options: CompileOptions): Promise<CompiledDirectory> {
	const { trust, catalogs: given, development = "refuse", onProgress, requiredSigners, revocation } = options;
	const root = realPath(directory);
	const seen = new Map<string, IndexEntry>();
	const sources = { trust, catalogs: given, match: "path", requiredSigners } as const;
	const visitor = collectInto(seen);
	const verification = await verifyDirectory(directory, { ...sources, revocation, onProgress, visitor });
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
		product: { name, root, sequence, adopted: undefined, fileCount: files.size, linkCount: links.size, catalogs },
		warnings,
	};
}

/** The SHA-256 of all of each file's octets, as they go by. */
export function collectInto(seen: Map<string, IndexEntry>): FileVisitor {
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
