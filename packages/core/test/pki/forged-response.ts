/** Makes OCSP responses piece by piece, so that a test can make any one of the pieces wrong. */

import { createHash, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import {
	bitString,
	context,
	DerReader,
	encode,
	integer,
	octetString,
	oid,
	sequence,
	TAG,
} from "../../dist/asn1/der.js";
import { elements, type Fields, generalizedTimeOf, OIDS } from "./forged-token.js";
import type { Issued } from "./openssl.js";

/**
 * The changes to a response. Without changes the response is correct and says `good`. Each function gets the correct
 * elements and returns others.
 */
export interface ResponseForgery {
	/** Changes the elements of CertID. */
	readonly id?: (fields: Fields) => Fields;
	readonly single?: (fields: Fields) => Fields;
	/** Changes the list of SingleResponses. The function gets the only one. */
	readonly singles?: (single: Uint8Array) => readonly Uint8Array[];
	readonly data?: (fields: Fields) => Fields;
	readonly basic?: (fields: Fields) => Fields;
	readonly bytes?: (fields: Fields) => Fields;
	readonly response?: (fields: Fields) => Fields;
}

export const ASN1_STATUS = {
	good: encode(context(0, "primitive")),
	unknown: encode(context(2, "primitive")),
	revokedAt: (milliseconds: number) => encode(context(1), generalizedTimeOf(milliseconds)),
	revokedFor: (milliseconds: number, reason: number) => {
		return encode(context(1), generalizedTimeOf(milliseconds), encode(context(0), enumerated(reason)));
	},
} as const;

export const enumerated = (value: number) => encode(TAG.ENUMERATED, Uint8Array.of(value));
export const explicitTime = (milliseconds: number) => encode(context(0), generalizedTimeOf(milliseconds));

/**
 * Makes the response to a request of sigtool. A P-256 key of the responder signs it, and it contains `certificates`.
 */
export function forgeResponse(
	query: Uint8Array,
	responder: Issued,
	forgery: ResponseForgery = {},
	certificates: readonly Issued[] = [responder],
): Uint8Array {
	const same = (fields: Fields) => fields;
	const { id = same, single = same, data = same, basic = same, bytes = same, response = same } = forgery;
	const { singles = (one: Uint8Array) => [one] } = forgery;
	const { certId, extensions } = parseRequest(query);
	const now = Date.now();
	const one = sequence(
		...elements(
			single({
				id: sequence(...elements(id(certId))),
				status: ASN1_STATUS.good,
				thisUpdate: generalizedTimeOf(now),
				nextUpdate: explicitTime(now + 86_400_000),
			}),
		),
	);
	const keyHash = createHash("sha1").update(responder.certificate.spki).digest();
	const tbs = sequence(
		...elements(
			data({
				responder: encode(context(2), octetString(keyHash)),
				producedAt: generalizedTimeOf(now),
				responses: sequence(...singles(one)),
				extensions: encode(context(1), extensions),
			}),
		),
	);
	const der = sequence(
		...elements(
			basic({
				data: tbs,
				algorithm: sequence(oid(OIDS.ecdsaSha256)),
				signature: bitString(sign("sha256", tbs, readFileSync(responder.keyFile))),
				certificates: encode(context(0), sequence(...certificates.map(({ certificate }) => certificate.der))),
			}),
		),
	);
	const body = sequence(...elements(bytes({ type: oid("1.3.6.1.5.5.7.48.1.1"), response: octetString(der) })));
	return sequence(...elements(response({ status: enumerated(0), bytes: encode(context(0), body) })));
}

/** Returns the elements of the request's CertID, and the request's extensions, which contain the nonce. */
function parseRequest(query: Uint8Array): { certId: Fields; extensions: Uint8Array } {
	const reader = new DerReader(query, "request");
	reader.open(TAG.SEQUENCE);
	reader.open(TAG.SEQUENCE);
	const list = reader.open(TAG.SEQUENCE);
	reader.open(TAG.SEQUENCE);
	reader.open(TAG.SEQUENCE);
	const certId = {
		algorithm: reader.element(TAG.SEQUENCE),
		nameHash: reader.element(TAG.OCTET_STRING),
		keyHash: reader.element(TAG.OCTET_STRING),
		serial: reader.element(TAG.INTEGER),
	};
	reader.leave(list);
	reader.open(context(2));
	return { certId, extensions: reader.element(TAG.SEQUENCE) };
}

export const serialNumber = (value: number) => integer(value);
