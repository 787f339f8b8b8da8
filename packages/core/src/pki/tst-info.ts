/** Parses TSTInfo, the content that a timestamping authority signs. RFC 3161 §2.4.2. */

import { context, DerReader, TAG } from "../asn1/der.js";
import { tooLarge } from "../asn1/read-list.js";
import { SigtoolError } from "../errors.js";
import { type AlgorithmIdentifier, readAlgorithm } from "./signature-algorithm.js";

export const TST_INFO_OID = "1.2.840.113549.1.9.16.1.4";

export interface TstInfo {
	readonly policy: string;
	/** The digest of the timestamped bytes. */
	readonly imprint: { readonly algorithm: AlgorithmIdentifier; readonly digest: Uint8Array };
	/** The value bytes of the INTEGER. */
	readonly serial: Uint8Array;
	/** The genTime, in milliseconds since the epoch. */
	readonly time: number;
	/** The nonce of the request as the value bytes of its INTEGER. Undefined if the token has none. */
	readonly nonce: Uint8Array | undefined;
}

/** A TSTInfo has at most this many bytes. Real ones have fewer than 400. */
const MAX_TST_INFO_SIZE = 16_384;

/** Parses a TSTInfo. @throws ERR_DER, ERR_LIMIT; ERR_TIMESTAMP for another version or a critical extension */
export function parseTstInfo(der: Uint8Array): TstInfo {
	const reader = new DerReader(der, "timestamp");
	if (der.length > MAX_TST_INFO_SIZE) throw tooLarge(reader, `TSTInfo is larger than ${MAX_TST_INFO_SIZE} bytes`);
	const outer = reader.open(TAG.SEQUENCE);
	const version = reader.integer();
	if (version !== 1) throw new SigtoolError("ERR_TIMESTAMP", `Cannot parse timestamp: TSTInfo has version ${version}`);
	const policy = reader.oid();
	const imprintEnd = reader.open(TAG.SEQUENCE);
	const imprint = { algorithm: readAlgorithm(reader), digest: reader.value(TAG.OCTET_STRING) };
	reader.close(imprintEnd);
	const serial = reader.integerBytes();
	if (reader.peek() !== TAG.GENERALIZED_TIME) reader.fail("genTime is not a GeneralizedTime");
	const time = reader.time();
	if (reader.peek() === TAG.SEQUENCE) reader.next(); // Skips accuracy.
	if (reader.peek() === TAG.BOOLEAN) reader.boolean(); // Skips ordering.
	const nonce = reader.peek() === TAG.INTEGER ? reader.integerBytes() : undefined;
	if (reader.peek() === context(0)) reader.next(); // Skips tsa, which is only a hint.
	if (reader.peek() === context(1)) refuseCriticalExtensions(reader);
	reader.close(outer);
	if (!reader.done) reader.fail("bytes behind the timestamp");
	return { policy, imprint, serial, time, nonce };
}

/**
 * Reads extensions [1] IMPLICIT SEQUENCE OF. Refuses every critical extension, because sigtool applies no extension of
 * a TSTInfo.
 */
function refuseCriticalExtensions(reader: DerReader): void {
	const outer = reader.open(context(1));
	while (!reader.done) {
		const inner = reader.open(TAG.SEQUENCE);
		const oid = reader.oid();
		if (reader.peek() === TAG.BOOLEAN && reader.boolean()) {
			throw new SigtoolError(
				"ERR_TIMESTAMP",
				`Cannot trust the timestamp: its critical extension ${oid} is not understood`,
			);
		}
		reader.next(TAG.OCTET_STRING);
		reader.close(inner);
	}
	reader.close(outer);
}
