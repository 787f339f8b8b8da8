/** Finds the private key that a URI names in a PKCS#11 token, and the certificates that belong to the key. */

import { compareBytes } from "../../asn1/der.js";
import { quote, SigtoolError } from "../../errors.js";
import { type Certificate, parseCertificate } from "../../pki/certificate.js";
import { isSelfIssued } from "../../pki/certificate-checks.js";
import type { Handle, Template } from "./pkcs11-api.js";
import { ModuleGone } from "./pkcs11-channel.js";
import { attempt, pkcs11Failure, toldUntrueLength } from "./pkcs11-module.js";
import type { Session } from "./pkcs11-token.js";
import type { Pkcs11Uri } from "./pkcs11-uri.js";

export interface TokenKey {
	readonly handle: Handle;
	/** The CKA_ID of the key, which the key's certificate has too. It is empty if the key has none. */
	readonly id: Uint8Array;
	readonly kind: "rsa" | "ec" | "other";
	/** True if the token needs the PIN again for each signature. */
	readonly alwaysAuthenticate: boolean;
}

/** Returns the only private key that the URI names. @throws ERR_PKCS11 if there is none, or more than one */
export function findKey(session: Session, { object, id }: Pkcs11Uri): TokenKey {
	const template = [
		PRIVATE_KEYS,
		...(object === undefined ? [] : [{ type: ATTRIBUTE.label, value: Buffer.from(object) }]),
		...(id === undefined ? [] : [{ type: ATTRIBUTE.id, value: Buffer.from(id) }]),
	];
	const found = findObjects(session, template);
	const [handle, ...others] = found;
	if (handle === undefined) {
		const keys = template.length === 1 ? [] : findObjects(session, [PRIVATE_KEYS]);
		throw refusal(
			session,
			keys.length === 0 ? NO_KEY : `it holds no such private key; it has ${listed(session, keys)}`,
		);
	}
	if (others.length > 0)
		throw refusal(session, `it holds ${found.length} such private keys; ${choice(session, found)}`);
	return {
		handle,
		id: read(session, handle, ATTRIBUTE.id),
		kind: KEY_KINDS[read(session, handle, ATTRIBUTE.keyType)[0] ?? -1] ?? "other",
		alwaysAuthenticate: read(session, handle, ATTRIBUTE.alwaysAuthenticate)[0] === 1,
	};
}

/** Lists keys by label and id in the form of a URI, so that special characters are percent-encoded in a message. */
function listed(session: Session, keys: readonly Handle[]): string {
	const names = keys.slice(0, MAX_LISTED).map((key) => {
		const [label, id] = [read(session, key, ATTRIBUTE.label), read(session, key, ATTRIBUTE.id)];
		const parts = [
			...(label.length === 0 ? [] : [`object=${shortened(label, UNRESERVED)}`]),
			...(id.length === 0 ? [] : [`id=${shortened(id, NOTHING)}`]),
		];
		return parts.join(";") || "one without label and id";
	});
	const more = keys.length - names.length;
	return `${names.sort().join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
}

/** Encodes the first bytes of a label or an id, which may be of any length. */
function shortened(bytes: Uint8Array, kept: RegExp): string {
	return `${percentEncoded(bytes.subarray(0, MAX_LISTED_BYTES), kept)}${bytes.length > MAX_LISTED_BYTES ? "…" : ""}`;
}

/** Returns a text that says how a URI can name one of several keys: by id, else by label, else by label and id. */
function choice(session: Session, keys: readonly Handle[]): string {
	const ids = keys.map((key) => `id=${percentEncoded(read(session, key, ATTRIBUTE.id), NOTHING)}`);
	const labels = keys.map((key) => `object=${percentEncoded(read(session, key, ATTRIBUTE.label), UNRESERVED)}`);
	const names = [ids, labels, labels.map((label, index) => `${label};${ids[index]}`)];
	// An empty value cannot be written in a URI, so only values that are not empty can distinguish keys.
	const distinct = names.find(
		(each) => new Set(each).size === keys.length && !each.some((name) => /=(;|$)/.test(name)),
	);
	if (distinct === undefined) {
		return "some have the same label and id, so no URI tells them apart; change one with the token's own tool";
	}
	return `name one: ${[...distinct].sort().slice(0, MAX_LISTED).join(", ")}`;
}

/**
 * Returns the certificates of a key: first the certificate of the key itself, then those of its issuers that are in the
 * token. Issuers are found by name, and no signature is checked.
 * @throws ERR_PKCS11, ERR_CERTIFICATE_FORMAT, ERR_DER, ERR_LIMIT
 */
export function certificatesOf(session: Session, { id }: TokenKey): Certificate[] {
	const certificates = { type: ATTRIBUTE.class, value: CLASS.certificate };
	const own =
		id.length === 0 ? [] : findObjects(session, [certificates, { type: ATTRIBUTE.id, value: Buffer.from(id) }]);
	const [handle, ...others] = own;
	if (handle === undefined) throw refusal(session, "it holds no certificate of that key; give it with --cert");
	if (others.length > 0) {
		throw refusal(session, `it holds ${own.length} certificates of that key; give the one to use with --cert`);
	}
	const chain = [parseCertificate(read(session, handle, ATTRIBUTE.value))];
	const above = findObjects(session, [certificates]).flatMap((each) => readable(read(session, each, ATTRIBUTE.value)));
	for (let [last] = chain; chain.length < MAX_CHAIN && !isSelfIssued(last); ) {
		const issuer = above.find(({ subject }) => compareBytes(subject.der, last.issuer.der) === 0);
		if (issuer === undefined) break;
		chain.push(issuer);
		last = issuer;
	}
	return chain;
}

/**
 * Parses a certificate. Returns an empty list for bytes that cannot be parsed, because the token may have certificates
 * that the chain does not need.
 */
function readable(der: Uint8Array): Certificate[] {
	try {
		return [parseCertificate(der)];
	} catch {
		return [];
	}
}

/**
 * Finds all objects that match. A module may return fewer objects at once than it was asked for, so the search ends
 * only when a call returns none. PKCS#11 v2.40 §5.7.
 * @throws ERR_PKCS11, also for more than MAX_OBJECTS
 */
function findObjects(session: Session, template: Template): Handle[] {
	const { cryptoki, handle, label } = session;
	const found: Handle[] = [];
	attempt(`look for objects in the token ${quote(label)}`, () => {
		cryptoki.C_FindObjectsInit(handle, template);
		let some: Handle[];
		do {
			some = cryptoki.C_FindObjects(handle, OBJECTS_AT_ONCE);
			found.push(...some);
		} while (some.length > 0 && found.length <= MAX_OBJECTS);
		cryptoki.C_FindObjectsFinal(handle);
	});
	if (found.length > MAX_OBJECTS) throw refusal(session, `it lists more than ${MAX_OBJECTS} objects of one kind`);
	return found;
}

/**
 * Returns the value of an attribute, or an empty buffer if the module returns none, for example because the object has
 * no such attribute.
 * @throws ERR_PKCS11 if the module's process has ended, or if the module tells a length that cannot be true
 */
function read({ cryptoki, handle, label }: Session, object: Handle, type: number): Buffer {
	try {
		return cryptoki.C_GetAttributeValue(handle, object, type);
	} catch (error) {
		const isUnusable = error instanceof ModuleGone || toldUntrueLength(error);
		if (isUnusable) throw pkcs11Failure(`read an object of the token ${quote(label)}`, error);
		return Buffer.alloc(0);
	}
}

/** Percent-encodes bytes for a URI, except the characters that `kept` matches. */
function percentEncoded(bytes: Uint8Array, kept: RegExp): string {
	return Array.from(bytes, (byte) => {
		const character = String.fromCharCode(byte);
		return kept.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`;
	}).join("");
}

const NOTHING = /$^/;
/** The characters that need no encoding anywhere in a URI. RFC 3986 §2.3. */
const UNRESERVED = /[A-Za-z0-9._~-]/;

function refusal({ label }: Session, reason: string): SigtoolError {
	return new SigtoolError("ERR_PKCS11", `Cannot use the token ${quote(label)}: ${reason}`);
}

/** CLASS has the numbers of CKO_ constants, and ATTRIBUTE those of CKA_ constants. */
const CLASS = { certificate: 1, privateKey: 3 } as const;
const ATTRIBUTE = {
	class: 0x0,
	label: 0x3,
	value: 0x11,
	keyType: 0x100,
	id: 0x102,
	alwaysAuthenticate: 0x202,
} as const;
/**
 * Maps the numbers of CKK_ constants to kinds of keys. These numbers fit into one byte, so the code reads only the
 * first byte of the CK_ULONG, which is in little-endian order.
 */
const KEY_KINDS: Readonly<Record<number, TokenKey["kind"]>> = { 0: "rsa", 3: "ec" };

const PRIVATE_KEYS = { type: ATTRIBUTE.class, value: CLASS.privateKey };
const NO_KEY = "it holds no private key; check the PIN, and that this is the right token";

const OBJECTS_AT_ONCE = 100;
const MAX_OBJECTS = 1000;
const MAX_CHAIN = 10;
const MAX_LISTED = 5;
/**
 * At most this many bytes of a label or id are shown. Most tokens allow 32 bytes in a label, and a hash as an id is not
 * longer than 64.
 */
const MAX_LISTED_BYTES = 64;
