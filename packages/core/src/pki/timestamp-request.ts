/** Encodes requests to timestamping authorities and parses their responses, RFC 3161 §2.4. */

import { createHash, randomBytes } from "node:crypto";
import { DerReader, encode, integer, NULL, octetString, oid, sequence, TAG } from "../asn1/der.js";
import { readList } from "../asn1/read-list.js";
import { quote, SigtoolError } from "../errors.js";
import { parseHttpUrl } from "../system/http-url.js";
import type { Certificate } from "./certificate.js";
import { requireTimestampAuthority } from "./certificate-checks.js";
import type { Denial } from "./deny-list.js";
import { SHA256_OID } from "./signature-algorithm.js";

/** Names the authorities to ask for a timestamp, and those whose timestamps are accepted. */
export interface TimestampRequest {
	/**
	 * The URLs of authorities, at least one. They are asked in this order until one returns a valid token.
	 */
	readonly urls: readonly string[];
	/** The authorities whose timestamps are accepted, at least one. */
	readonly anchors: readonly Certificate[];
	/** A timestamp with a key or certificate of this list is refused. */
	readonly deny?: readonly Denial[];
	/** Time limit of each of three attempts in milliseconds. Default 15,000. */
	readonly timeoutMs?: number;
}

/** A timestamp that was just made and verified. */
export interface NewTimestamp {
	/** The TimeStampToken in DER. */
	readonly token: Uint8Array;
	/** Milliseconds since the epoch. */
	readonly time: number;
	readonly authority: Certificate;
	readonly url: string;
}

/**
 * Refuses a request that `fetchTimestamp` cannot fulfil, before anything is sent.
 * @throws ERR_USAGE for a malformed URL, for an anchor that is not an authority, or if there are no anchors
 */
export function checkTimestampRequest({ urls, anchors }: TimestampRequest): void {
	for (const url of urls) parseHttpUrl(url);
	for (const anchor of anchors) requireTimestampAuthority(anchor);
	if (anchors.length > 0) return;
	const message =
		"Cannot judge timestamps: no authority is trusted for them; name one with --tsa-trust, or add it with `trust add --timestamps`";
	throw new SigtoolError("ERR_USAGE", message);
}

/**
 * Encodes TimeStampReq ::= SEQUENCE { version, messageImprint, nonce, certReq TRUE }. RFC 3161 §2.4.1. The imprint is
 * the SHA-256 of `signature`, and `nonce` is a result of `newNonce`.
 */
export function encodeRequest(signature: Uint8Array, nonce: Uint8Array): Uint8Array {
	const imprint = createHash("sha256").update(signature).digest();
	return sequence(
		integer(1),
		sequence(sequence(oid(SHA256_OID), NULL), octetString(imprint)),
		encode(TAG.INTEGER, nonce),
		encode(TAG.BOOLEAN, Uint8Array.of(0xff)),
	);
}

/**
 * Parses TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken OPTIONAL } and returns the token. RFC 3161
 * §2.4.2.
 * @throws ERR_TIMESTAMP if the authority refused; ERR_DER, ERR_LIMIT
 */
export function parseResponse(der: Uint8Array): Uint8Array {
	const reader = new DerReader(der, "timestamp response");
	const outer = reader.open(TAG.SEQUENCE);
	const info = reader.open(TAG.SEQUENCE);
	const status = reader.integer();
	const text = reader.peek() === TAG.SEQUENCE ? readList(reader, TAG.SEQUENCE, MAX_TEXTS, readText).join(" ") : "";
	if (reader.peek() === TAG.BIT_STRING) reader.next(); // Skips failInfo.
	reader.close(info);
	if (status !== GRANTED && status !== GRANTED_WITH_MODS) {
		const said = text === "" ? "" : `, saying ${quote(text)}`;
		throw new SigtoolError("ERR_TIMESTAMP", `Cannot get a token: the authority refused with status ${status}${said}`);
	}
	const token = reader.element();
	reader.close(outer);
	if (!reader.done) reader.fail("bytes behind the response");
	return token;
}

function readText(reader: DerReader): string {
	return Buffer.from(reader.value(TAG.UTF8_STRING)).toString("utf8");
}

/** Returns 16 random bytes, of which the first two bits are 01, so that they are a positive INTEGER in minimal form. */
export function newNonce(): Uint8Array {
	const nonce = randomBytes(16);
	nonce[0] = (nonce[0] & 0x3f) | 0x40;
	return nonce;
}

const MAX_TEXTS = 8;
const GRANTED = 0;
const GRANTED_WITH_MODS = 1;
