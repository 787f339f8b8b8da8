/** One catalog file, verified. Its errors name the file. */

import { quote, SigtoolError } from "../errors.js";
import type { CertificateStatus } from "../pki/revocation.js";
import { FORMAT_CODES, namingFile, readCatalogFile } from "./catalog-file.js";
import { type CatalogVerifyOptions, type VerifiedCatalog, verifyCatalog } from "./verify-catalog.js";

export interface UsedCatalog extends VerifiedCatalog {
	readonly file: string;
	/** The status of each certificate of the signer and of the timestamp. Absent: no list or responder was asked. */
	readonly revocation?: readonly CertificateStatus[];
	/** The whole file, as it was read. */
	readonly bytes: Uint8Array;
}

/** @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, and what `verifyCatalog` throws */
export function loadCatalog(file: string, options: CatalogVerifyOptions): UsedCatalog {
	const bytes = readCatalogFile(file);
	return { file, bytes, ...verifyNamed(file, bytes, options) };
}

/** Does what `verifyCatalog` does, and throws what it throws, with the file's name in the message. */
export function verifyNamed(file: string, bytes: Uint8Array, options: CatalogVerifyOptions): VerifiedCatalog {
	try {
		return verifyCatalog(bytes, options);
	} catch (error) {
		if (!(error instanceof SigtoolError) || error.path !== undefined) throw error;
		if (FORMAT_CODES.has(error.code)) throw namingFile(file, bytes, error);
		throw new SigtoolError(error.code, `${quote(file)}: ${error.message}`, { cause: error.cause, path: file });
	}
}
