/**
 * Makes X.509 certificates for tests, with any name, dates and extensions. Core itself issues certificates of three
 * kinds only, so `issueCertificate` cannot make most of these.
 */

import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import {
	bitString,
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
	time,
} from "../../dist/asn1/der.js";
import { type Certificate, parseCertificate } from "../../dist/pki/certificate.js";
import { nextRsaKey } from "../kept-keys.js";

export const AUTHORITY = [
	"basicConstraints=critical,CA:TRUE",
	"keyUsage=critical,keyCertSign,cRLSign",
	"subjectKeyIdentifier=hash",
];
export const CODE_SIGNER = [
	"basicConstraints=critical,CA:FALSE",
	"keyUsage=critical,digitalSignature",
	"extendedKeyUsage=codeSigning",
	"subjectKeyIdentifier=hash",
	"authorityKeyIdentifier=keyid",
];

export interface CertificateRequest {
	/** The subject in OpenSSL's form with slashes, `/O=Example/CN=Leaf`. */
	readonly subject: string;
	/** The subject's key. If there is no issuer, it is a private key, and signs its own certificate. */
	readonly key: KeyObject;
	readonly issuer?: { readonly certificate: Certificate; readonly key: KeyObject };
	/** Lines of an extension section of OpenSSL's configuration, and behind them the sections that they name. */
	readonly extensions: readonly string[];
	readonly digest?: "sha1" | "sha256" | "sha384" | "md5";
	/** The times are in milliseconds since the epoch. */
	readonly notBefore: number;
	readonly notAfter: number;
	/** The content of the INTEGER. */
	readonly serial?: Uint8Array;
}

export type KeyType = "rsa1024" | "rsa2048" | "rsa4096" | "p256" | "p384" | "ed25519";

export function newPrivateKey(type: KeyType): KeyObject {
	switch (type) {
		case "p256":
			return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
		case "p384":
			return generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
		case "ed25519":
			return generateKeyPairSync("ed25519").privateKey;
		default:
			return nextRsaKey(RSA_BITS[type]);
	}
}

const RSA_BITS = { rsa1024: 1024, rsa2048: 2048, rsa4096: 4096 } as const;

export function makeCertificate(request: CertificateRequest): Certificate {
	const { subject, key, issuer, extensions, digest = "sha256", notBefore, notAfter, serial = newSerial() } = request;
	const signingKey = issuer?.key ?? key;
	const algorithm = signatureAlgorithm(signingKey, digest);
	const publicKey = key.type === "public" ? key : createPublicKey(key);
	const spki = publicKey.export({ format: "der", type: "spki" });
	const encoded = encodeExtensions(extensions, spki, issuer?.certificate);
	const name = encodeName(subject.split("/").slice(1));
	const tbs = sequence(
		encode(context(0), integer(2)), // The value 2 means v3.
		encode(TAG.INTEGER, serial),
		algorithm,
		issuer?.certificate.subject.der ?? name,
		sequence(time(notBefore), time(notAfter)),
		name,
		spki,
		...(encoded.length === 0 ? [] : [encode(context(3), sequence(...encoded))]),
	);
	const hash = signingKey.asymmetricKeyType === "ed25519" ? null : digest;
	const der = sequence(tbs, algorithm, bitString(sign(hash, tbs, signingKey)));
	return parseCertificate(Buffer.from(der));
}

/** Returns sixteen random bytes that are a positive number in minimal form. */
function newSerial(): Uint8Array {
	const serial = randomBytes(16);
	serial[0] = 0x40;
	return serial;
}

function signatureAlgorithm({ asymmetricKeyType }: KeyObject, digest: keyof typeof RSA_WITH): Uint8Array {
	if (asymmetricKeyType === "ed25519") return sequence(oid("1.3.101.112"));
	if (asymmetricKeyType === "rsa") return sequence(oid(RSA_WITH[digest]), NULL);
	const ecdsa = ECDSA_WITH[digest];
	if (ecdsa === undefined) throw new Error(`No ECDSA with ${digest}`);
	return sequence(oid(ecdsa));
}

const RSA_WITH = {
	md5: "1.2.840.113549.1.1.4",
	sha1: "1.2.840.113549.1.1.5",
	sha256: "1.2.840.113549.1.1.11",
	sha384: "1.2.840.113549.1.1.12",
} as const;

const ECDSA_WITH: Readonly<Partial<Record<keyof typeof RSA_WITH, string>>> = {
	sha1: "1.2.840.10045.4.1",
	sha256: "1.2.840.10045.4.3.2",
	sha384: "1.2.840.10045.4.3.3",
};

/** Encodes a Name whose parts are texts like `CN=Leaf`. */
function encodeName(parts: readonly string[]): Uint8Array {
	const attributes = parts.map((part) => {
		const [type, value] = cut(part, "=");
		const [id, tag] = found(ATTRIBUTES, type);
		return setOf(sequence(oid(id), encode(tag, Buffer.from(value, "utf8"))));
	});
	return sequence(...attributes);
}

const ATTRIBUTES: Readonly<Record<string, readonly [id: string, tag: number]>> = {
	CN: ["2.5.4.3", TAG.UTF8_STRING],
	C: ["2.5.4.6", TAG.PRINTABLE_STRING],
	O: ["2.5.4.10", TAG.UTF8_STRING],
	emailAddress: ["1.2.840.113549.1.9.1", TAG.IA5_STRING],
};

function encodeExtensions(lines: readonly string[], spki: Uint8Array, issuer: Certificate | undefined): Uint8Array[] {
	const sections = new Map<string, string[]>();
	let section: string[] = [];
	const first = section;
	for (const line of lines) {
		if (line.startsWith("[")) {
			section = [];
			sections.set(line.slice(1, -1), section);
		} else section.push(line);
	}
	const keyId = keyIdentifier(spki);
	const authorityKeyId = issuer === undefined ? keyId : issuer.extensions.subjectKeyId;
	return first.flatMap((line) => {
		const [type, text] = cut(line, "=");
		const isCritical = text.startsWith("critical,");
		const value = isCritical ? text.slice("critical,".length) : text;
		if (value === "none") return [];
		const isHex = value.startsWith("DER:");
		const [id, encodeValue] = isHex ? [type, hex] : found(EXTENSIONS, type);
		const content = encodeValue(isHex ? value.slice(4) : value, { keyId, authorityKeyId, sections });
		const critical = isCritical ? [encode(TAG.BOOLEAN, Uint8Array.of(0xff))] : [];
		return [sequence(oid(id), ...critical, octetString(content))];
	});
}

interface Context {
	readonly keyId: Uint8Array;
	readonly authorityKeyId: Uint8Array | undefined;
	readonly sections: ReadonlyMap<string, readonly string[]>;
}

/** Maps an extension's name to its identifier and to the function that encodes its value. RFC 5280 §4.2. */
const EXTENSIONS: Readonly<Record<string, [id: string, encode: (value: string, context: Context) => Uint8Array]>> = {
	subjectKeyIdentifier: ["2.5.29.14", (value, { keyId }) => octetString(value === "hash" ? keyId : hex(value))],
	keyUsage: ["2.5.29.15", (value) => bits(KEY_USAGES, value.split(","))],
	subjectAltName: ["2.5.29.17", (value, { sections }) => sequence(...generalNames(value.split(","), sections))],
	basicConstraints: ["2.5.29.19", encodeBasicConstraints],
	nameConstraints: ["2.5.29.30", encodeNameConstraints],
	crlDistributionPoints: ["2.5.29.31", encodeDistributionPoints],
	certificatePolicies: ["2.5.29.32", (value) => sequence(...value.split(",").map((policy) => sequence(oid(policy))))],
	policyMappings: [
		"2.5.29.33",
		(value) => sequence(...value.split(",").map((pair) => sequence(...cut(pair, ":").map(oid)))),
	],
	authorityKeyIdentifier: [
		"2.5.29.35",
		(_, { authorityKeyId }) =>
			authorityKeyId === undefined ? sequence() : sequence(encode(context(0, "primitive"), authorityKeyId)),
	],
	policyConstraints: [
		"2.5.29.36",
		(value) => sequence(encode(context(0, "primitive"), Uint8Array.of(Number(cut(value, ":")[1])))),
	],
	extendedKeyUsage: [
		"2.5.29.37",
		(value) => sequence(...value.split(",").map((purpose) => oid(PURPOSES[purpose] ?? purpose))),
	],
	authorityInfoAccess: [
		"1.3.6.1.5.5.7.1.1",
		(value, { sections }) =>
			sequence(
				...value.split(",").map((access) => {
					const [method, name] = cut(access, ";");
					return sequence(oid(found(ACCESS_METHODS, method)), ...generalNames([name], sections));
				}),
			),
	],
	nsCertType: ["2.16.840.1.113730.1.1", (value) => bits(NETSCAPE_TYPES, value.split(","))],
};

const KEY_USAGES = [
	...["digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement"],
	...["keyCertSign", "cRLSign"],
];

const NETSCAPE_TYPES = ["client", "server", "email", "objsign", "reserved", "sslCA", "emailCA", "objCA"];

const REASONS = ["unused", "keyCompromise", "CACompromise", "affiliationChanged", "superseded", "cessationOfOperation"];

const PURPOSES: Readonly<Record<string, string>> = {
	anyExtendedKeyUsage: "2.5.29.37.0",
	serverAuth: "1.3.6.1.5.5.7.3.1",
	clientAuth: "1.3.6.1.5.5.7.3.2",
	codeSigning: "1.3.6.1.5.5.7.3.3",
	emailProtection: "1.3.6.1.5.5.7.3.4",
	timeStamping: "1.3.6.1.5.5.7.3.8",
	OCSPSigning: "1.3.6.1.5.5.7.3.9",
};

const ACCESS_METHODS: Readonly<Record<string, string>> = {
	OCSP: "1.3.6.1.5.5.7.48.1",
	caIssuers: "1.3.6.1.5.5.7.48.2",
};

function encodeBasicConstraints(value: string): Uint8Array {
	const values = new Map(value.split(",").map((part) => cut(part, ":")));
	const length = values.get("pathlen");
	return sequence(
		...(values.get("CA") === "TRUE" ? [encode(TAG.BOOLEAN, Uint8Array.of(0xff))] : []),
		...(length === undefined ? [] : [integer(Number(length))]),
	);
}

function encodeNameConstraints(value: string, { sections }: Context): Uint8Array {
	const constraints = value.split(",").map((part) => cut(part, ";"));
	const subtrees = ["permitted", "excluded"].flatMap((kind, number) => {
		const names = constraints.filter(([given]) => given === kind).map(([, name]) => name);
		if (names.length === 0) return [];
		return [encode(context(number), ...generalNames(names, sections).map((name) => sequence(name)))];
	});
	return sequence(...subtrees);
}

function encodeDistributionPoints(value: string, { sections }: Context): Uint8Array {
	const points = value.split(",").map((point) => {
		const lines = point.includes(":") ? [`fullname=${point}`] : sectionOf(sections, point);
		const members = new Map(lines.map((line) => cut(line, "=")));
		const [full, relative] = [members.get("fullname"), members.get("relativename")];
		const [reasons, issuer] = [members.get("reasons"), members.get("CRLissuer")];
		const name = [
			...(full === undefined ? [] : [encode(context(0), ...generalNames([full], sections))]),
			...(relative === undefined ? [] : [encode(context(1), relativeName(sectionOf(sections, relative)))]),
		];
		return sequence(
			encode(context(0), ...name),
			...(reasons === undefined
				? []
				: [encode(context(1, "primitive"), bits(REASONS, reasons.split(",")).subarray(2))]),
			...(issuer === undefined ? [] : [encode(context(2), ...generalNames([issuer], sections))]),
		);
	});
	return sequence(...points);
}

/** Encodes the one attribute of a RelativeDistinguishedName, without the header of the SET. */
function relativeName(lines: readonly string[]): Uint8Array {
	const reader = new DerReader(encodeName(lines), "name");
	reader.open(TAG.SEQUENCE);
	reader.open(TAG.SET);
	return reader.element();
}

function generalNames(names: readonly string[], sections: Context["sections"]): Uint8Array[] {
	return names.map((name) => {
		const [type, value] = cut(name, ":");
		if (type === "dirName") return encode(context(4), encodeName(sectionOf(sections, value)));
		const bytes = type === "IP" ? Uint8Array.from(value.split(/[./]/), Number) : Buffer.from(value, "latin1");
		return encode(context(found(GENERAL_NAMES, type), "primitive"), bytes);
	});
}

const GENERAL_NAMES: Readonly<Record<string, number>> = { email: 1, DNS: 2, URI: 6, IP: 7 };

/** Encodes a BIT STRING of at most eight named bits. X.690 §11.2.2 drops the zero bits at its end. */
function bits(all: readonly string[], names: readonly string[]): Uint8Array {
	let byte = 0;
	let last = 0;
	for (const name of names) {
		const number = all.indexOf(name);
		if (number < 0) throw new Error(`Unknown name ${name}`);
		byte |= 0x80 >> number;
		last = Math.max(last, number);
	}
	return encode(TAG.BIT_STRING, Uint8Array.of(7 - last, byte));
}

/** Returns the SHA-1 over the key's bits, RFC 5280 §4.2.1.2 (1). */
function keyIdentifier(spki: Uint8Array): Uint8Array {
	const reader = new DerReader(spki, "public key");
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.SEQUENCE);
	return createHash("sha1").update(reader.bitStringBytes()).digest();
}

function hex(text: string): Uint8Array {
	return Buffer.from(text.replaceAll(":", ""), "hex");
}

function sectionOf(sections: Context["sections"], name: string): readonly string[] {
	const lines = sections.get(name);
	if (lines === undefined) throw new Error(`No section [${name}]`);
	return lines;
}

function found<T>(table: Readonly<Record<string, T>>, name: string): T {
	if (!Object.hasOwn(table, name)) throw new Error(`Cannot encode ${name}: make-certificate.ts does not know it`);
	return table[name] as T;
}

/** Returns the texts before and behind the first separator. */
function cut(text: string, separator: string): [before: string, behind: string] {
	const position = text.indexOf(separator);
	if (position < 0) throw new Error(`Cannot read "${text}": it has no "${separator}"`);
	return [text.slice(0, position), text.slice(position + separator.length)];
}
