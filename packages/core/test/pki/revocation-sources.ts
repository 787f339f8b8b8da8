/**
 * Encodes revocation lists and OCSP responses that no tool makes: with any dates, entries and extensions. P-256 keys
 * sign them, so their signatures are valid.
 */

import { createHash, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import {
	bitString,
	DerReader,
	encode,
	integer,
	NULL,
	octetString,
	oid,
	sequence,
	TAG,
	time,
} from "../../dist/asn1/der.js";
import type { Issued } from "./openssl.js";

export interface ExtensionContent {
	readonly oid: string;
	readonly value: Uint8Array;
	readonly critical?: boolean;
}

/** Times are in milliseconds since the epoch. */
export interface Entry {
	readonly serial: Uint8Array;
	/** The time of the revocation, or an element that is encoded in its place. */
	readonly revokedAt: number | Uint8Array;
	readonly reason?: number;
	readonly invalidSince?: number;
	readonly extensions?: readonly ExtensionContent[];
}

export interface ListContent {
	readonly thisUpdate: number;
	readonly nextUpdate?: number;
	readonly entries?: readonly Entry[];
	readonly extensions?: readonly ExtensionContent[];
	readonly issuer: Issued;
	/** The Name element in the list. By default it is that of the issuer. */
	readonly issuerName?: Uint8Array;
	/** The certificate whose key signs. By default it is the issuer. */
	readonly signer?: Issued;
	readonly digest?: "sha1" | "sha256";
}

/** Encodes CertificateList, RFC 5280 §5.1. */
export function encodeList({ entries, extensions = [], issuer, signer = issuer, ...content }: ListContent): Uint8Array {
	const { thisUpdate, nextUpdate, digest = "sha256", issuerName = issuer.certificate.subject.der } = content;
	const algorithm = sequence(oid(digest === "sha1" ? "1.2.840.10045.4.1" : "1.2.840.10045.4.3.2"));
	const tbs = sequence(
		integer(1),
		algorithm,
		issuerName,
		time(thisUpdate),
		...(nextUpdate === undefined ? [] : [time(nextUpdate)]),
		...(entries === undefined || entries.length === 0 ? [] : [sequence(...entries.map(encodeEntry))]),
		...(extensions.length === 0 ? [] : [encode(0xa0, encodeExtensions(extensions))]),
	);
	return sequence(tbs, algorithm, bitString(sign(digest, tbs, readFileSync(signer.keyFile))));
}

function encodeEntry({ serial, revokedAt, reason, invalidSince, extensions = [] }: Entry): Uint8Array {
	const all = [...detailExtensions(reason, invalidSince), ...extensions];
	const parts = [encode(TAG.INTEGER, serial), typeof revokedAt === "number" ? time(revokedAt) : revokedAt];
	return sequence(...parts, ...(all.length === 0 ? [] : [encodeExtensions(all)]));
}

export interface Answer {
	readonly serial: Uint8Array;
	readonly status: "good" | "unknown" | { readonly revokedAt: number; readonly reason?: number };
	readonly thisUpdate: number;
	readonly nextUpdate?: number;
	readonly extensions?: readonly ExtensionContent[];
}

export interface ResponseContent {
	readonly answers: readonly Answer[];
	readonly issuer: Issued;
	/** The certificate whose key signs. By default it is the issuer. */
	readonly signer?: Issued;
	/** The value `none` leaves out the certificate of a signer that is not the issuer. */
	readonly certificates?: "none";
	/** The OCSPResponseStatus. By default it is 0, successful. */
	readonly failure?: number;
	readonly extensions?: readonly ExtensionContent[];
}

/** Encodes an OCSPResponse with a BasicOCSPResponse, RFC 6960 §4.2.1. */
export function encodeResponse(content: ResponseContent): Uint8Array {
	const { answers, issuer, signer = issuer, certificates, failure = 0, extensions = [] } = content;
	const status = enumerated(failure);
	if (failure !== 0) return sequence(status);
	const data = sequence(
		encode(0xa2, keyHash(signer)),
		generalizedTime(Date.now()),
		sequence(...answers.map((answer) => encodeAnswer(answer, issuer))),
		...(extensions.length === 0 ? [] : [encode(0xa1, encodeExtensions(extensions))]),
	);
	const basic = sequence(
		data,
		sequence(oid("1.2.840.10045.4.3.2")),
		bitString(sign("sha256", data, readFileSync(signer.keyFile))),
		...(signer === issuer || certificates === "none" ? [] : [encode(0xa0, sequence(signer.certificate.der))]),
	);
	return sequence(status, encode(0xa0, sequence(oid("1.3.6.1.5.5.7.48.1.1"), octetString(basic))));
}

function encodeAnswer(answer: Answer, issuer: Issued): Uint8Array {
	const { serial, status, thisUpdate, nextUpdate, extensions = [] } = answer;
	const nameHash = octetString(createHash("sha1").update(issuer.certificate.subject.der).digest());
	const id = sequence(sequence(oid("1.3.14.3.2.26"), NULL), nameHash, keyHash(issuer), encode(TAG.INTEGER, serial));
	return sequence(
		id,
		encodeStatus(status),
		generalizedTime(thisUpdate),
		...(nextUpdate === undefined ? [] : [encode(0xa0, generalizedTime(nextUpdate))]),
		...(extensions.length === 0 ? [] : [encode(0xa1, encodeExtensions(extensions))]),
	);
}

function encodeStatus(status: Answer["status"]): Uint8Array {
	if (status === "good") return encode(0x80);
	if (status === "unknown") return encode(0x82);
	const reason = status.reason === undefined ? [] : [encode(0xa0, enumerated(status.reason))];
	return encode(0xa1, generalizedTime(status.revokedAt), ...reason);
}

function keyHash({ certificate }: Issued): Uint8Array {
	const reader = new DerReader(certificate.spki, "key");
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.SEQUENCE);
	return octetString(createHash("sha1").update(reader.bitStringBytes()).digest());
}

/** Returns the entry extensions reasonCode and invalidityDate, RFC 5280 §5.3. */
export function detailExtensions(reason: number | undefined, invalidSince: number | undefined): ExtensionContent[] {
	return [
		...(reason === undefined ? [] : [{ oid: "2.5.29.21", value: enumerated(reason) }]),
		...(invalidSince === undefined ? [] : [{ oid: "2.5.29.24", value: generalizedTime(invalidSince) }]),
	];
}

function encodeExtensions(extensions: readonly ExtensionContent[]): Uint8Array {
	return sequence(
		...extensions.map(({ oid: name, value, critical = false }) => {
			return sequence(oid(name), ...(critical ? [encode(TAG.BOOLEAN, Uint8Array.of(0xff))] : []), octetString(value));
		}),
	);
}

export function enumerated(value: number): Uint8Array {
	return encode(TAG.ENUMERATED, Uint8Array.of(value));
}

export function generalizedTime(milliseconds: number): Uint8Array {
	const text = `${new Date(milliseconds).toISOString().slice(0, 19).replace(/[-:T]/g, "")}Z`;
	return encode(TAG.GENERALIZED_TIME, Buffer.from(text));
}
