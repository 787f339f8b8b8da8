/** Reads catalog files: their bytes, who wrote them, and errors that name the file. */

import { type ErrorCode, quote, reasonOf, SigtoolError } from "../errors.js";
import { parseCatalog } from "../formats/cat.js";
import { type CatalogFacts, isSigtoolCatalog, parseFacts } from "../formats/cat-facts.js";
import { parseSignedData } from "../pki/cms.js";
import { describeFileBytes } from "../pki/file-kind.js";
import { readBounded } from "../system/store.js";

/** A larger catalog is refused unread. */
export const MAX_CATALOG_BYTES = 2 ** 30;

/** @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO */
export function readCatalogFile(file: string): Uint8Array {
	return readBounded(file, MAX_CATALOG_BYTES);
}

/**
 * Returns the facts of a catalog that sigtool wrote, without verifying them; undefined for any other file.
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
 * True when the file says that sigtool wrote it. Nothing is verified, so the answer serves only to protect files of
 * others from being overwritten.
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
 * Returns the result of `parse` for the bytes of a file. An error about the content becomes an error of the file, with
 * the same code.
 * @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, ERR_CATALOG_FORMAT for an empty file, and what `parse` throws
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

/** Makes an error about the content of a catalog file, with the same code, that says what the file is instead. */
export function namingFile(file: string, bytes: Uint8Array, cause: SigtoolError): SigtoolError {
	const reason = FORMAT_CODES.has(cause.code) ? notACatalog(bytes, cause) : reasonOf(cause);
	return new SigtoolError(cause.code, `Cannot read ${quote(file)}: ${reason}`, { cause, path: file });
}

function notACatalog(bytes: Uint8Array, cause: SigtoolError): string {
	const { kind, text } = describeFileBytes(bytes);
	if (kind === "cut off" || kind === "empty") return `it is ${text}`;
	// A message about a file that begins like a catalog has to say what is wrong in it.
	if (kind === "catalog" || kind === "signed data" || kind === "unknown")
		return `it is not a catalog (${reasonOf(cause)})`;
	const hint = kind === "certificate" || kind === "PEM certificate" ? "; --trust takes certificates" : "";
	return `it is ${text}, not a catalog${hint}`;
}

/** The codes of content that is not a catalog. */
export const FORMAT_CODES: ReadonlySet<ErrorCode> = new Set(["ERR_DER", "ERR_CMS_FORMAT", "ERR_CATALOG_FORMAT"]);
