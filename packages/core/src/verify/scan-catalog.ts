/**
 * Recognises the catalogs of sigtool without parsing them. A directory may hold catalogs of any size that have nothing to
 * do with the file to verify, so the search for the right one reads them in pieces and keeps nothing in memory.
 */

import { SigtoolError } from "../errors.js";
import { openPieces } from "../system/read-file.js";
import { MAX_CATALOG_BYTES, startsAsCatalog } from "./catalog-file.js";

/**
 * Returns true if the file begins like a catalog and says that sigtool wrote it. The signature is not verified, and
 * everybody can write such a catalog, so the result proves nothing. Returns false for a file that is missing or too large.
 * @throws ERR_IO
 */
export function isOwnCatalog(file: string): boolean {
	try {
		return contains(file, OWN);
	} catch (error) {
		if (error instanceof SigtoolError && error.code !== "ERR_IO") return false;
		throw error;
	}
}

/** The name of the attribute that each catalog of sigtool has: a BMPString in DER. */
const OWN = Buffer.concat([Buffer.of(0x1e, 28), Buffer.from("SigtoolVersion", "utf16le").swap16()]);

/** Returns true if the file begins like a catalog and contains these bytes. */
function contains(file: string, bytes: Buffer): boolean {
	const pieces = openPieces(file, MAX_CATALOG_BYTES);
	try {
		const window = Buffer.allocUnsafe(Math.min(bytes.length - 1 + PIECE_BYTES, pieces.sizeBytes));
		for (let start = 0, kept = 0; start < pieces.sizeBytes; ) {
			const end = Math.min(start + window.length - kept, pieces.sizeBytes);
			pieces.copy(window, kept, start, end);
			const filled = window.subarray(0, kept + end - start);
			if (start === 0 && !startsAsCatalog(filled)) return false;
			if (filled.includes(bytes)) return true;
			kept = Math.min(bytes.length - 1, filled.length);
			window.copyWithin(0, filled.length - kept, filled.length);
			start = end;
		}
		return false;
	} finally {
		pieces.close();
	}
}

const PIECE_BYTES = 1 << 20;
