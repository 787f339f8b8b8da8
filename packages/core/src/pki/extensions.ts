/**
 * Parses the certificate extensions that verification applies, RFC 5280 §4.2.1, and keeps every extension by OID. The
 * limits are 64 extensions, 64 extended key usages, and 256 names or constraints in a list.
 */

import { context, DerReader, TAG } from "../asn1/der.js";
import { readList, tooLarge } from "../asn1/read-list.js";
import { SigtoolError } from "../errors.js";
import { type GeneralName, readGeneralName } from "./general-name.js";

/** An extension of a certificate, as it was received. */
export interface Extension {
	readonly critical: boolean;
	/** The bytes inside the OCTET STRING extnValue. */
	readonly value: Uint8Array;
}

export interface CertificateExtensions {
	/** Every extension of the certificate by its identifier, in the order received. */
	readonly all: ReadonlyMap<string, Extension>;
	/**
	 * The OIDs of the critical extensions that verification does not apply. Verification refuses a certificate that has
	 * any of them.
	 */
	readonly unknownCritical: readonly string[];
	readonly basicConstraints?: {
		readonly isAuthority: boolean;
		/** The number of authorities that may follow below this one. */
		readonly maxPathLength?: number;
	};
	/** Bit n of this number is the named bit n of KeyUsage: `KEY_USAGE.keyCertSign` is 1 << 5. */
	readonly keyUsage?: number;
	readonly extendedKeyUsage?: { readonly oids: readonly string[]; readonly critical: boolean };
	readonly subjectKeyId?: Uint8Array;
	/** The keyIdentifier of AuthorityKeyIdentifier. */
	readonly authorityKeyId?: Uint8Array;
	readonly nameConstraints?: { readonly permitted: readonly GeneralName[]; readonly excluded: readonly GeneralName[] };
	readonly subjectAltName?: readonly GeneralName[];
}

/** The bits of KeyUsage, RFC 5280 §4.2.1.3. */
export const KEY_USAGE = {
	digitalSignature: 1 << 0,
	nonRepudiation: 1 << 1,
	keyCertSign: 1 << 5,
	cRLSign: 1 << 6,
} as const;

/** Reads the next element as the extensions of a certificate. @throws as `readExtensionMap` */
export function readExtensions(reader: DerReader): CertificateExtensions {
	return parseKnown(readExtensionMap(reader), reader.what);
}

/**
 * Reads the next element and returns its extensions by OID. Certificates, revocation lists and OCSP responses have such
 * an element: Extensions ::= SEQUENCE OF SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }.
 * @throws ERR_DER, ERR_LIMIT; ERR_CERTIFICATE_FORMAT if an extension occurs twice
 */
export function readExtensionMap(reader: DerReader): ReadonlyMap<string, Extension> {
	const all = new Map<string, Extension>();
	const outer = reader.open(TAG.SEQUENCE);
	while (!reader.done) {
		if (all.size === MAX_EXTENSIONS) throw tooLarge(reader, `it has more than ${MAX_EXTENSIONS} extensions`);
		const inner = reader.open(TAG.SEQUENCE);
		const oid = reader.oid();
		const critical = reader.peek() === TAG.BOOLEAN ? reader.boolean() : false;
		const value = reader.value(TAG.OCTET_STRING);
		reader.close(inner);
		if (all.has(oid)) {
			throw new SigtoolError("ERR_CERTIFICATE_FORMAT", `Cannot parse ${reader.what}: extension ${oid} occurs twice`);
		}
		all.set(oid, { critical, value });
	}
	reader.close(outer);
	return all;
}

export const NO_EXTENSIONS: CertificateExtensions = { all: new Map(), unknownCritical: [] };

function parseKnown(all: ReadonlyMap<string, Extension>, what: string): CertificateExtensions {
	function parse<T>(oid: string, read: (reader: DerReader) => T): T | undefined {
		const extension = all.get(oid);
		if (extension === undefined) return undefined;
		const reader = new DerReader(extension.value, `${what}, extension ${oid}`);
		const value = read(reader);
		if (!reader.done) reader.fail("unexpected extra elements");
		return value;
	}
	const unknownCritical = [...all].filter(([oid, { critical }]) => critical && !APPLIED.has(oid)).map(([oid]) => oid);
	const usages = parse(OID.extendedKeyUsage, readOids);
	return {
		all,
		unknownCritical,
		basicConstraints: parse(OID.basicConstraints, readBasicConstraints),
		keyUsage: parse(OID.keyUsage, readKeyUsage),
		extendedKeyUsage: usages && { oids: usages, critical: all.get(OID.extendedKeyUsage)?.critical === true },
		subjectKeyId: parse(OID.subjectKeyId, (reader) => reader.value(TAG.OCTET_STRING)),
		authorityKeyId: parse(OID.authorityKeyId, readAuthorityKeyId),
		nameConstraints: parse(OID.nameConstraints, readNameConstraints),
		subjectAltName: parse(OID.subjectAltName, (reader) => readList(reader, TAG.SEQUENCE, MAX_NAMES, readGeneralName)),
	};
}

/** Reads SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }. §4.2.1.9. */
function readBasicConstraints(reader: DerReader): { isAuthority: boolean; maxPathLength?: number } {
	const outer = reader.open(TAG.SEQUENCE);
	const isAuthority = reader.peek() === TAG.BOOLEAN ? reader.boolean() : false;
	const maxPathLength = reader.done ? undefined : reader.integer();
	reader.close(outer);
	return { isAuthority, maxPathLength };
}

/**
 * Reads a BIT STRING of named bits, at most 16. DER forbids trailing zero bits, but roots in wide use have them, so
 * they are accepted. §4.2.1.3.
 */
function readKeyUsage(reader: DerReader): number {
	const [unused, low = 0, high = 0, ...rest] = reader.value(TAG.BIT_STRING);
	if (unused === undefined || unused > 7 || rest.length > 0) reader.fail("malformed BIT STRING");
	let bits = 0;
	for (let n = 0; n < 16; n++) if (((low << 8) | high) & (0x8000 >> n)) bits |= 1 << n;
	return bits;
}

/** Reads SEQUENCE SIZE (1..MAX) OF OID, at most MAX_USAGES of them. §4.2.1.12. */
function readOids(reader: DerReader): string[] {
	const oids = readList(reader, TAG.SEQUENCE, MAX_USAGES, () => reader.oid());
	if (oids.length === 0) reader.fail("the list of extended key usages is empty");
	return oids;
}

/**
 * Reads SEQUENCE { [0] keyIdentifier OPTIONAL, issuer and serial number OPTIONAL } and returns the key identifier.
 * Issuer and serial number are ignored, because they are only hints. §4.2.1.1.
 */
function readAuthorityKeyId(reader: DerReader): Uint8Array | undefined {
	const outer = reader.open(TAG.SEQUENCE);
	const tag = context(0, "primitive");
	const keyId = reader.peek() === tag ? reader.value(tag) : undefined;
	reader.leave(outer);
	return keyId;
}

/**
 * Reads SEQUENCE { [0] permitted, [1] excluded } of SEQUENCE { base }. Refuses the fields minimum and maximum.
 * §4.2.1.10.
 */
function readNameConstraints(reader: DerReader): { permitted: GeneralName[]; excluded: GeneralName[] } {
	const outer = reader.open(TAG.SEQUENCE);
	const permitted = readSubtrees(reader, context(0));
	const excluded = readSubtrees(reader, context(1));
	reader.close(outer);
	return { permitted, excluded };
}

function readSubtrees(reader: DerReader, tag: number): GeneralName[] {
	if (reader.peek() !== tag) return [];
	return readList(reader, tag, MAX_NAMES, () => {
		const inner = reader.open(TAG.SEQUENCE);
		const base = readGeneralName(reader);
		reader.close(inner);
		return base;
	});
}

const MAX_EXTENSIONS = 64;
const MAX_USAGES = 64;
const MAX_NAMES = 256;

const OID = {
	subjectKeyId: "2.5.29.14",
	keyUsage: "2.5.29.15",
	subjectAltName: "2.5.29.17",
	basicConstraints: "2.5.29.19",
	nameConstraints: "2.5.29.30",
	certificatePolicies: "2.5.29.32",
	policyMappings: "2.5.29.33",
	authorityKeyId: "2.5.29.35",
	extendedKeyUsage: "2.5.29.37",
	inhibitAnyPolicy: "2.5.29.54",
} as const;

/**
 * These extensions may be critical, because verification applies them. Policies, mappings and inhibitAnyPolicy are
 * included although they are not applied: they can make a chain fail only if an explicit policy is demanded (RFC 5280
 * §6.1.5 g). policyConstraints can demand that, and is therefore refused if it is critical.
 */
const APPLIED: ReadonlySet<string> = new Set([
	OID.keyUsage,
	OID.subjectAltName,
	OID.basicConstraints,
	OID.nameConstraints,
	OID.certificatePolicies,
	OID.policyMappings,
	OID.extendedKeyUsage,
	OID.inhibitAnyPolicy,
]);
