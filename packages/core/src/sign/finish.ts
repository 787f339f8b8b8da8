/**
 * Split signing: a catalog made unsigned on one machine is signed on another, which never sees the files.
 *
 * The signing machine checks the digest it was told, sees what it is about to sign, then signs exactly those octets.
 */

import { quote, SigtoolError } from "../errors.js";
import type { SignedSet } from "../fileset/compare.js";
import { diffSignedSets, type SignedSetDiff } from "../fileset/diff.js";
import { CATALOG_OID, type Catalog, memberFilePath, parseCatalog } from "../formats/cat.js";
import { entriesByPath, evidenceSize } from "../formats/cat-entries.js";
import { type EnvelopeOptions, sha256Hex, signEncoded } from "../formats/cat-envelope.js";
import { type CatalogFacts, parseFacts } from "../formats/cat-facts.js";
import { parseSignedData } from "../pki/cms.js";
import type { NewTimestamp } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";
import { requireFileName, writeAtomically } from "../system/store.js";
import { parseCatalogFile } from "../verify/catalog-file.js";

export interface UnsignedCatalog {
	readonly file: string;
	/** Lowercase hexadecimal SHA-256 of the file. */
	readonly sha256: string;
	readonly facts: CatalogFacts;
	readonly fileCount: number;
	readonly linkCount: number;
	/** The list that will be signed, and what it signs. */
	readonly list: Uint8Array;
	readonly entries: SignedSet;
}

export interface OpenUnsignedOptions {
	/** Hexadecimal SHA-256 the file must have, as `signPaths` reported it. */
	readonly expectDigest?: string;
}

/** @throws ERR_DIGEST_MISMATCH, ERR_CATALOG_FORMAT, ERR_DER, ERR_CMS_FORMAT, ERR_PATH_*, ERR_IO */
export function openUnsigned(file: string, options: OpenUnsignedOptions = {}): UnsignedCatalog {
	return parseCatalogFile(file, (octets) => parseUnsigned(octets, file, options));
}

function parseUnsigned(octets: Uint8Array, file: string, options: OpenUnsignedOptions): UnsignedCatalog {
	const sha256 = sha256Hex([octets]);
	const expected = options.expectDigest?.toLowerCase().replace(/^sha256:/, "");
	if (expected !== undefined && expected !== sha256) {
		const message = `Cannot sign ${quote(file)}: its digest is ${sha256}, expected ${expected}`;
		throw new SigtoolError("ERR_DIGEST_MISMATCH", message, { path: file });
	}
	const signedData = parseSignedData(octets, "catalog");
	if (signedData.signers.length > 0) {
		const message = `Cannot sign ${quote(file)}: it is signed already; sign the files again to replace it`;
		throw new SigtoolError("ERR_CATALOG_FORMAT", message, { path: file });
	}
	return { file, sha256, ...readList(signedData.contentType, signedData.content, file) };
}

/** What changed since an earlier catalog, which is read and not verified. */
export function changesSince(
	previousFile: string,
	catalog: UnsignedCatalog,
): { facts: CatalogFacts; diff: SignedSetDiff } {
	const previous = parseCatalogFile(previousFile, (octets) => {
		const { contentType, content } = parseSignedData(octets, "catalog");
		return readList(contentType, content, previousFile);
	});
	return { facts: previous.facts, diff: diffSignedSets(previous.entries, catalog.entries) };
}

export interface FinishOptions extends EnvelopeOptions {
	readonly signer: Signer;
	/** Where the signed catalog goes; over the unsigned one when absent. */
	readonly output?: string;
}

export interface FinishResult {
	/** Size of the file that was written. */
	readonly catalogBytes: number;
	readonly timestamp: NewTimestamp | undefined;
}

/** Signs the list of an unsigned catalog. @throws ERR_USAGE, ERR_IO and the signer's errors */
export async function finishCatalog(catalog: UnsignedCatalog, options: FinishOptions): Promise<FinishResult> {
	const output = options.output ?? catalog.file;
	requireFileName(output);
	const { pieces, timestamp } = await signEncoded(catalog.list, options.signer, options);
	writeAtomically(output, pieces);
	return { catalogBytes: pieces.reduce((sum, piece) => sum + piece.length, 0), timestamp };
}

function readList(contentType: string, content: Uint8Array | undefined, file: string) {
	if (contentType !== CATALOG_OID.certTrustList || content === undefined) {
		throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot read ${quote(file)}: it is not a catalog`, { path: file });
	}
	const parsed = parseCatalog(content);
	const facts = parseFacts(parsed.attributes);
	const entries = entriesByPath(parsed, facts, evidenceSize(parsed, "default"));
	requireTwins(parsed, entries, file);
	return { facts, list: content, entries, fileCount: entries.files.size, linkCount: entries.links.size };
}

/** A SHA-1 member counts for readers of old; one that no SHA-256 member stands beside would be signed unseen. */
function requireTwins(catalog: Catalog, entries: SignedSet, file: string): void {
	const { count, digestSizes } = catalog.members;
	for (let row = 0; row < count; row++) {
		if (digestSizes[row] !== 20) continue;
		const path = memberFilePath(catalog, row)?.replaceAll("\\", "/");
		if (path !== undefined && entries.files.has(path)) continue;
		const message = `Cannot sign ${quote(file)}: it has a SHA-1 member ${quote(path ?? "without a name")} and no other of that name`;
		throw new SigtoolError("ERR_CATALOG_FORMAT", message, { path: file });
	}
}
