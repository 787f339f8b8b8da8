/** Reads one catalog file and verifies the catalog. The errors name the file. */

import { quote, SigtoolError } from "../errors.js";
import { FORMAT_CODES, namingFile, readCatalogFile } from "./catalog-file.js";
import type { SignerStatus } from "./chain-revocation.js";
import { type CatalogVerifyOptions, type VerifiedCatalog, verifyCatalog } from "./verify-catalog.js";

/** A catalog that was verified and used, with the file from which it was read. */
export interface UsedCatalog extends VerifiedCatalog {
	readonly file: string;
	/**
	 * The revocation status of each certificate in the chains of the signer and of the timestamp, and in those of the
	 * outer catalogs that sign this catalog. Undefined if revocation was not checked.
	 */
	readonly revocation?: readonly SignerStatus[];
	/** The content of the file. */
	readonly bytes: Uint8Array;
}

/**
 * Reads and verifies a catalog file. @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, and the errors of
 * `verifyCatalog`
 */
export function loadCatalog(file: string, options: CatalogVerifyOptions): UsedCatalog {
	const bytes = readCatalogFile(file);
	return { file, bytes, ...verifyNamed(file, bytes, options) };
}

/** Calls `verifyCatalog`, and adds the path of the file to the messages of its errors. */
export function verifyNamed(file: string, bytes: Uint8Array, options: CatalogVerifyOptions): VerifiedCatalog {
	try {
		return verifyCatalog(bytes, options);
	} catch (error) {
		if (!(error instanceof SigtoolError) || error.path !== undefined) throw error;
		if (FORMAT_CODES.has(error.code)) throw namingFile(file, bytes, error);
		throw new SigtoolError(error.code, `${quote(file)}: ${error.message}`, { cause: error.cause, path: file });
	}
}
