/** Catalog files to look at or to sign, whose errors name the file. */

import { type ErrorCode, quote, reasonOf, SigtoolError } from "./errors.js";
import { readCatalogFile } from "./verify-sources.js";

/**
 * What `parse` makes of a file's octets. Errors that are about something in the file become errors of the file, with
 * the same code.
 * @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, ERR_CATALOG_FORMAT for an empty file, and what `parse` throws
 */
export function parseCatalogFile<T>(file: string, parse: (octets: Uint8Array) => T): T {
	const octets = readCatalogFile(file);
	if (octets.length === 0) {
		throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot read ${quote(file)}: it is empty`, { path: file });
	}
	try {
		return parse(octets);
	} catch (cause) {
		if (!(cause instanceof SigtoolError) || cause.path === file) throw cause;
		const reason = FORMAT_CODES.has(cause.code) ? `it is not a catalog (${reasonOf(cause)})` : reasonOf(cause);
		throw new SigtoolError(cause.code, `Cannot read ${quote(file)}: ${reason}`, { cause, path: file });
	}
}

const FORMAT_CODES: ReadonlySet<ErrorCode> = new Set(["ERR_DER", "ERR_CMS_FORMAT", "ERR_CATALOG_FORMAT"]);
