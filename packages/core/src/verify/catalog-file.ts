/** Reads catalog files, recognises catalogs that sigtool wrote, and makes errors that name the file. */

import { context, DerReader, encodeOid, TAG } from "../asn1/der.js";
import { type ErrorCode, quote, reasonOf, SigtoolError } from "../errors.js";
import { entryPathProblem } from "../fileset/entry-path.js";
import { CATALOG_OID, memberFilePath, parseCatalog } from "../formats/cat.js";
import { type CatalogFacts, isSigtoolCatalog, parseFacts } from "../formats/cat-facts.js";
import { parseSignedData } from "../pki/cms.js";
import { describeFileBytes } from "../pki/file-kind.js";
import { readBounded } from "../system/store.js";

/** Size limit of a catalog in bytes. A larger file is refused before it is read. */
export const MAX_CATALOG_BYTES = 2 ** 30;

/** @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO */
export function readCatalogFile(file: string): Uint8Array {
	return readBounded(file, MAX_CATALOG_BYTES);
}

/**
 * Returns true if a file with these first bytes is meant to be a catalog: a CMS SignedData that contains a certificate
 * trust list, RFC 5652 section 5.1. The rest of the file does not count. A detached signature is not a catalog.
 */
export function startsAsCatalog(head: Uint8Array): boolean {
	const reader = new DerReader(head, "catalog", 0, Number.POSITIVE_INFINITY);
	try {
		for (const [step, tag] of TO_CONTENT_TYPE) {
			if (reader.position + 2 > head.length) return false;
			if (step === "into") reader.open(tag);
			else reader.next(tag);
		}
		const contentType = head.subarray(reader.valueStart, reader.valueEnd);
		const isCatalog = Buffer.compare(contentType, encodeOid(CATALOG_OID.certTrustList)) === 0;
		return isCatalog && reader.peek() === context(0);
	} catch (error) {
		if (error instanceof SigtoolError) return false;
		throw error;
	}
}

/** The elements of a ContentInfo up to the type of the content that is signed, RFC 5652 sections 3, 5.1 and 5.2. */
const TO_CONTENT_TYPE: readonly (readonly ["into" | "over", number])[] = [
	["into", TAG.SEQUENCE],
	["over", TAG.OID],
	["into", context(0)],
	["into", TAG.SEQUENCE],
	["over", TAG.INTEGER],
	["over", TAG.SET],
	["into", TAG.SEQUENCE],
	["over", TAG.OID],
];

/**
 * Returns the facts of a catalog that sigtool wrote, without verifying them, or undefined for any other file.
 * @throws ERR_IO
 */
export function unverifiedFacts(file: string): CatalogFacts | undefined {
	try {
		const { content } = parseSignedData(readCatalogFile(file), "catalog");
		const attributes = content === undefined ? [] : parseCatalog(content).attributes;
		return isSigtoolCatalog(attributes) ? parseFacts(attributes) : undefined;
	} catch (error) {
		if (error instanceof SigtoolError && error.code !== "ERR_IO") return undefined;
		throw error;
	}
}

/**
 * Yields the legal entry paths in a catalog, without verifying it.
 * @throws ERR_IO, and the errors of `parseCatalog`
 */
export function* unverifiedPaths(file: string): Generator<string> {
	const { content } = parseSignedData(readCatalogFile(file), "catalog");
	if (content === undefined) return;
	const catalog = parseCatalog(content);
	const { emptyFiles, symbolicLinks } = parseFacts(catalog.attributes);
	for (const path of [...emptyFiles.keys(), ...symbolicLinks.keys()]) {
		if (entryPathProblem(path) === undefined) yield path;
	}
	for (let row = 0; row < catalog.members.count; row++) {
		const path = memberFilePath(catalog, row)?.replaceAll("\\", "/");
		if (path !== undefined && entryPathProblem(path) === undefined) yield path;
	}
}

/**
 * Returns true if the file claims that sigtool wrote it. The claim is not verified, so the result serves only to
 * protect files of other programs from being overwritten.
 * @throws ERR_IO
 */
export function isOwnCatalog(file: string): boolean {
	try {
		const { content } = parseSignedData(readCatalogFile(file), "catalog");
		return content !== undefined && isSigtoolCatalog(parseCatalog(content).attributes);
	} catch (error) {
		if (error instanceof SigtoolError && error.code !== "ERR_IO") return false;
		throw error;
	}
}

/**
 * Checks that a file is a whole catalog. A caller does this before it reports another error about the file, so that the
 * user first learns that the file is damaged.
 * @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, ERR_DER, ERR_CMS_FORMAT, ERR_CATALOG_FORMAT
 */
export function requireCatalog(file: string): void {
	parseCatalogFile(file, (bytes) => parseSignedData(bytes, "catalog"));
}

/**
 * Returns the result of `parse` for the bytes of a file. An error of `parse` about the content becomes an error that
 * names the file and has the same code.
 * @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, ERR_CATALOG_FORMAT for an empty file, and the errors of `parse`
 */
export function parseCatalogFile<T>(file: string, parse: (bytes: Uint8Array) => T): T {
	const bytes = readCatalogFile(file);
	if (bytes.length === 0) {
		throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot read ${quote(file)}: it is empty`, { path: file });
	}
	try {
		return parse(bytes);
	} catch (cause) {
		if (!(cause instanceof SigtoolError) || cause.path === file) throw cause;
		throw namingFile(file, bytes, cause);
	}
}

/**
 * Makes an error that names the catalog file and has the code of `cause`. If the file is not a catalog, the message
 * gives its actual kind.
 */
export function namingFile(file: string, bytes: Uint8Array, cause: SigtoolError): SigtoolError {
	const reason = FORMAT_CODES.has(cause.code) ? notACatalog(bytes, cause) : reasonOf(cause);
	return new SigtoolError(cause.code, `Cannot read ${quote(file)}: ${reason}`, { cause, path: file });
}

function notACatalog(bytes: Uint8Array, cause: SigtoolError): string {
	const { kind, text } = describeFileBytes(bytes);
	if (kind === "cut off" || kind === "empty") return `it is ${text}`;
	// A file that begins like a catalog needs a message about the fault in its content.
	if (kind === "catalog" || kind === "signed data" || kind === "unknown")
		return `it is not a catalog (${reasonOf(cause)})`;
	const hint = kind === "certificate" || kind === "PEM certificate" ? "; --trust takes certificates" : "";
	return `it is ${text}, not a catalog${hint}`;
}

/** The codes of errors about content that is not a catalog. */
export const FORMAT_CODES: ReadonlySet<ErrorCode> = new Set(["ERR_DER", "ERR_CMS_FORMAT", "ERR_CATALOG_FORMAT"]);
