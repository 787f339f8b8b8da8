/** Reads catalog files without verifying them, and makes errors that name the file. */

import { context, DerReader, encodeOid, TAG } from "../asn1/der.js";
import { type ErrorCode, quote, reasonOf, SigtoolError } from "../errors.js";
import { parseCatalog } from "../formats/cat.js";
import { type CatalogFacts, isSigtoolCatalog, parseFacts } from "../formats/cat-facts.js";
import { CATALOG_OID } from "../formats/cat-model.js";
import { parseSignedData } from "../pki/cms.js";
import { describeFileBytes } from "../pki/file-kind.js";
import { readBounded } from "../system/read-file.js";

/** The size limit of a catalog in bytes, 1 GiB. A larger file is refused before it is read. */
export const MAX_CATALOG_BYTES = 2 ** 30;

/** Reads the bytes of a catalog file. @throws ERR_USAGE for a directory, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO */
export function readCatalogFile(file: string): Uint8Array {
	return readBounded(file, MAX_CATALOG_BYTES);
}

/**
 * Returns true if these first bytes of a file begin a catalog, which is a CMS SignedData that contains a certificate
 * trust list (RFC 5652 section 5.1). The rest of the file may be damaged. A detached signature is not a catalog.
 */
export function startsAsCatalog(head: Uint8Array): boolean {
	return behindContentType(head) !== undefined;
}

/**
 * Returns a reader before the content of the catalog that these first bytes of a file begin, or undefined if they begin
 * none. The size of the file limits the lengths of what is read, if it is given.
 */
export function behindContentType(head: Uint8Array, sizeBytes = Number.POSITIVE_INFINITY): DerReader | undefined {
	const reader = new DerReader(head, "catalog", 0, sizeBytes);
	try {
		for (const [step, tag] of TO_CONTENT_TYPE) {
			if (reader.position + 2 > head.length) return undefined;
			if (step === "into") reader.open(tag);
			else reader.next(tag);
		}
		const contentType = head.subarray(reader.valueStart, reader.valueEnd);
		const isCatalog = Buffer.compare(contentType, encodeOid(CATALOG_OID.certTrustList)) === 0;
		return isCatalog && reader.peek() === context(0) ? reader : undefined;
	} catch (error) {
		if (error instanceof SigtoolError) return undefined;
		throw error;
	}
}

/**
 * The way through a ContentInfo to the type of the signed content: each element is entered (`into`) or skipped
 * (`over`). RFC 5652 sections 3, 5.1 and 5.2.
 */
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
 * Returns the facts in a catalog that says that sigtool wrote it, without verifying anything. Returns undefined for any
 * other file, for a damaged one, and if the file is missing.
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
 * Checks that a file is a complete CMS SignedData, as each catalog is. A caller does this before it reports another
 * error about the file, so that the user first learns that the file is damaged.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, ERR_DER, ERR_CMS_FORMAT
 */
export function requireCatalog(file: string): void {
	parseCatalogFile(file, (bytes) => parseSignedData(bytes, "catalog"));
}

/**
 * Returns the result of `parse` for the bytes of a file. If `parse` throws a SigtoolError that does not name the file,
 * throws an error with the same code that does.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, and the errors of `parse`
 */
export function parseCatalogFile<T>(file: string, parse: (bytes: Uint8Array) => T): T {
	const bytes = readCatalogFile(file);
	try {
		return parse(bytes);
	} catch (cause) {
		if (!(cause instanceof SigtoolError) || cause.path === file) throw cause;
		throw namingFile(file, bytes, cause);
	}
}

/**
 * Makes an error that names the catalog file and has the code of `cause`. If the code is one of FORMAT_CODES, the
 * message says what kind of file it is instead, such as a certificate.
 */
export function namingFile(file: string, bytes: Uint8Array, cause: SigtoolError): SigtoolError {
	const reason = FORMAT_CODES.has(cause.code) ? notACatalog(bytes, cause) : reasonOf(cause);
	return new SigtoolError(cause.code, `Cannot read ${quote(file)}: ${reason}`, { cause, path: file });
}

function notACatalog(bytes: Uint8Array, cause: SigtoolError): string {
	const { kind, text } = describeFileBytes(bytes);
	if (kind === "cut off" || kind === "empty") return `it is ${text}`;
	// If the file begins like a catalog, its kind explains nothing, so the message says what is wrong with the content.
	if (kind === "catalog" || kind === "signed data" || kind === "unknown")
		return `it is not a catalog (${reasonOf(cause)})`;
	const hint = kind === "certificate" || kind === "PEM certificate" ? "; --trust takes certificates" : "";
	return `it is ${text}, not a catalog${hint}`;
}

/** The codes of errors which mean that the bytes of a file are not a well-formed catalog. */
export const FORMAT_CODES: ReadonlySet<ErrorCode> = new Set(["ERR_DER", "ERR_CMS_FORMAT", "ERR_CATALOG_FORMAT"]);
