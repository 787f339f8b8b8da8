/**
 * Judges the bytes of an image or a cabinet that its Authenticode digest does not cover. These bytes must be nothing
 * but signatures, because other data in them can be code: Python runs a zip at the end of a signed program.
 */

import { type AuthenticodeParts, type ReadAt, signedDataIn } from "../../digest/authenticode.js";
import { SigtoolError } from "../../errors.js";
import { parseSignedData } from "../../pki/cms.js";

/**
 * Returns `well-formed` if the bytes are nothing but Authenticode signatures that can be parsed to their ends, of at
 * most MAX_SIGNATURE_BYTES together. No signature is verified, because the catalog alone decides if the file is
 * trusted. A well-formed signature can still contain any data in an unsigned attribute.
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
 * The largest size in bytes of all signatures in a file together. The largest real signatures contain a digest for each
 * page of an image. These digests take 18 MiB for the largest image, which has 2 GiB.
 */
const MAX_SIGNATURE_BYTES = 2 ** 25;

/** The object identifier of SpcIndirectDataContent, which is the content of every Authenticode signature. */
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
