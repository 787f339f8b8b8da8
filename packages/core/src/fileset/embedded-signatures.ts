/**
 * Judges the bytes of an image or a cabinet that its Authenticode digest does not cover. They must be nothing but
 * signatures, because other data there can be code: Python runs a zip at the end of a signed program.
 */

import { type AuthenticodeParts, type ReadAt, signedDataIn } from "../digest/authenticode.js";
import { SigtoolError } from "../errors.js";
import { parseSignedData } from "../pki/cms.js";

/**
 * Parses each signature to its end. The signature itself is not verified, because it says nothing about the catalog. An
 * unsigned attribute of a signature can still contain any data.
 */
export function judgeSignatures(parts: AuthenticodeParts, readAt: ReadAt): "well-formed" | "malformed" {
	const ranges = signedDataIn(parts, readAt);
	if (ranges === undefined) return "malformed";
	const sizeBytes = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
	if (sizeBytes > MAX_SIGNATURE_BYTES) return "malformed";
	return ranges.every(([start, end]) => isSignature(readAt(start, end - start), end - start))
		? "well-formed"
		: "malformed";
}

/**
 * The largest size of all signatures in a file. The largest real ones contain a digest for each page of an image, which
 * is 18 MiB for the largest image of 2 GiB.
 */
const MAX_SIGNATURE_BYTES = 2 ** 25;

/** SpcIndirectDataContent, the content of every Authenticode signature. */
const SPC_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4";

function isSignature(der: Uint8Array, sizeBytes: number): boolean {
	if (der.length !== sizeBytes) return false;
	try {
		const { contentType, content, signers, anomalies } = parseSignedData(der, "embedded signature");
		return contentType === SPC_INDIRECT_DATA && content !== undefined && signers.length > 0 && anomalies.length === 0;
	} catch (error) {
		if (error instanceof SigtoolError) return false;
		throw error;
	}
}
