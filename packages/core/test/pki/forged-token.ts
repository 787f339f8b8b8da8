/** Makes RFC 3161 answers piece by piece, so that a test can make any one of the pieces wrong. */

import { createHash, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import {
	context,
	DerReader,
	encode,
	integer,
	NULL,
	octetString,
	oid,
	sequence,
	setOf,
	TAG,
} from "../../dist/asn1/der.js";
import { encodeAttribute } from "../../dist/pki/cms.js";
import type { Issued } from "./openssl.js";

/** The elements of a SEQUENCE by name, in their order. An empty one is left out. */
export type Fields = Readonly<Record<string, Uint8Array>>;

/**
 * The changes to a token. Without changes the token is correct. Each function gets the correct elements and returns
 * others.
 */
export interface Forgery {
	readonly tstInfo?: (fields: Fields) => Fields;
	/** Changes TSTInfo as a whole, before it is signed. */
	readonly content?: (tstInfo: Uint8Array) => Uint8Array;
	readonly attributes?: (fields: Fields) => Fields;
	/** The value `asGiven` leaves the signed attributes in the order of their names. Default `der`. */
	readonly order?: "der" | "asGiven";
	readonly signer?: (fields: Fields) => Fields;
	readonly signedData?: (fields: Fields) => Fields;
	readonly token?: (token: Uint8Array) => Uint8Array;
	readonly response?: (fields: Fields) => Fields;
}

export const OMITTED = new Uint8Array(0);

export const OIDS = {
	tstInfo: "1.2.840.113549.1.9.16.1.4",
	signedData: "1.2.840.113549.1.7.2",
	data: "1.2.840.113549.1.7.1",
	sha256: "2.16.840.1.101.3.4.2.1",
	sha512: "2.16.840.1.101.3.4.2.3",
	sha1: "1.3.14.3.2.26",
	md5: "1.2.840.113549.2.5",
	ecdsaSha256: "1.2.840.10045.4.3.2",
	ed25519: "1.3.101.112",
	contentType: "1.2.840.113549.1.9.3",
	messageDigest: "1.2.840.113549.1.9.4",
	signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
} as const;

export const algorithm = (name: string) => sequence(oid(name), NULL);
export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
export const generalizedTime = (text: string) => encode(TAG.GENERALIZED_TIME, Buffer.from(text));

/** Encodes a time in whole seconds as GeneralizedTime. */
export function generalizedTimeOf(milliseconds: number): Uint8Array {
	return generalizedTime(`${new Date(milliseconds).toISOString().slice(0, 19).replace(/[-:T]/g, "")}Z`);
}

/** Makes a TimeStampResp to a query by a P-256 authority. */
export function forgeReply(query: Uint8Array, authority: Issued, forgery: Forgery = {}): Uint8Array {
	const same = (fields: Fields) => fields;
	const { tstInfo = same, attributes = same, signer = same, signedData = same, response = same } = forgery;
	const { content: changeContent = (bytes) => bytes, token: changeToken = (bytes) => bytes } = forgery;
	const { imprint, nonce } = parseQuery(query);
	const info = elements(
		tstInfo({
			version: integer(1),
			policy: oid("1.2.3.4"),
			imprint,
			serial: integer(7),
			genTime: generalizedTimeOf(Date.now()),
			nonce,
		}),
	);
	const content = changeContent(sequence(...info));
	const signed = elements(
		attributes({
			contentType: encodeAttribute(OIDS.contentType, oid(OIDS.tstInfo)),
			messageDigest: encodeAttribute(OIDS.messageDigest, octetString(sha256(content))),
			certificate: encodeAttribute(
				OIDS.signingCertificateV2,
				sequence(sequence(sequence(octetString(sha256(authority.certificate.der))))),
			),
		}),
	);
	const set = forgery.order === "asGiven" ? encode(TAG.SET, ...signed) : setOf(...signed);
	const implicit = Uint8Array.from(set);
	implicit[0] = context(0);
	const signerInfo = sequence(
		...elements(
			signer({
				version: integer(1),
				identifier: sequence(authority.certificate.issuer.der, encode(TAG.INTEGER, authority.certificate.serial)),
				digestAlgorithm: algorithm(OIDS.sha256),
				attributes: signed.length === 0 ? OMITTED : implicit,
				signatureAlgorithm: sequence(oid(OIDS.ecdsaSha256)),
				signature: octetString(sign("sha256", set, readFileSync(authority.keyFile))),
			}),
		),
	);
	const body = sequence(
		...elements(
			signedData({
				version: integer(3),
				digestAlgorithms: setOf(algorithm(OIDS.sha256)),
				content: sequence(oid(OIDS.tstInfo), encode(context(0), octetString(content))),
				certificates: encode(context(0), authority.certificate.der),
				signers: setOf(signerInfo),
			}),
		),
	);
	const token = changeToken(sequence(oid(OIDS.signedData), encode(context(0), body)));
	return sequence(...elements(response({ status: sequence(integer(0)), token })));
}

export function elements(fields: Fields): Uint8Array[] {
	return Object.values(fields).filter(({ length }) => length > 0);
}

/** Returns the elements messageImprint and nonce of a TimeStampReq. */
function parseQuery(query: Uint8Array): { imprint: Uint8Array; nonce: Uint8Array } {
	const reader = new DerReader(query, "query");
	reader.open(TAG.SEQUENCE);
	reader.integer();
	const imprint = reader.element(TAG.SEQUENCE);
	return { imprint, nonce: reader.element(TAG.INTEGER) };
}
