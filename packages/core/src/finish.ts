/**
 * Split signing: a catalog made unsigned on one machine is signed on another, which never sees the files.
 *
 * The signing machine checks the digest it was told, sees what it is about to sign, then signs exactly those octets.
 */

import { quote, SigtoolError } from "./errors.js";
import type { SignedSet } from "./fileset/compare.js";
import { diffSignedSets, type SignedSetDiff } from "./fileset/diff.js";
import { CATALOG_OID, parseCatalog } from "./formats/cat.js";
import { entriesByPath, evidenceSize } from "./formats/cat-entries.js";
import { type ProgramInfo, sha256Hex, signEncoded } from "./formats/cat-envelope.js";
import { type CatalogFacts, parseFacts } from "./formats/cat-facts.js";
import { parseSignedData } from "./pki/cms.js";
import type { Signer } from "./signer/signer.js";
import { writeAtomically } from "./store.js";
import { readCatalogFile } from "./verify-sources.js";

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
	const octets = readCatalogFile(file);
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
	const { contentType, content } = parseSignedData(readCatalogFile(previousFile), "previous catalog");
	const previous = readList(contentType, content, previousFile);
	return { facts: previous.facts, diff: diffSignedSets(previous.entries, catalog.entries) };
}

export interface FinishOptions extends ProgramInfo {
	readonly signer: Signer;
	/** Where the signed catalog goes; over the unsigned one when absent. */
	readonly output?: string;
}

/** Signs the list of an unsigned catalog. @throws ERR_IO and the signer's errors */
export async function finishCatalog(catalog: UnsignedCatalog, options: FinishOptions): Promise<void> {
	const pieces = await signEncoded(catalog.list, options.signer, options);
	writeAtomically(options.output ?? catalog.file, pieces);
}

function readList(contentType: string, content: Uint8Array | undefined, file: string) {
	if (contentType !== CATALOG_OID.certTrustList || content === undefined) {
		throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot read ${quote(file)}: it is not a catalog`, { path: file });
	}
	const parsed = parseCatalog(content);
	const facts = parseFacts(parsed.attributes);
	const entries = entriesByPath(parsed, facts, evidenceSize(parsed, "default"));
	return { facts, list: content, entries, fileCount: entries.files.size, linkCount: entries.links.size };
}
