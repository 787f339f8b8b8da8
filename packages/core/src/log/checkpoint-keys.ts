/**
 * Tells by which keys a checkpoint may be signed, and names keys as signed notes do.
 *
 * There are two types of signatures. Ed25519 (0x01) is the one that witnesses demand. The other one (0xff, followed by
 * `CMS_TYPE`) is a detached CMS SignedData by a key with a certificate, as in a catalog, because RSA and ECDSA have no
 * type of their own. docs/reference/log.md describes it.
 */

import { createPublicKey, type KeyObject } from "node:crypto";
import { SigtoolError } from "../errors.js";
import { type Certificate, publicKeyOf } from "../pki/certificate.js";
import { isKeyName, keyIdOf } from "./note.js";

/** The content type (OID) that a CMS signature over a checkpoint covers. It was made from a UUID. */
export const CHECKPOINT_OID = "2.25.146786940917721899344742812990116192281";
const CMS_TYPE = Buffer.concat([Buffer.of(0xff), Buffer.from("sigtool-checkpoint-cms-v1")]);
const ED25519_TYPE = Buffer.of(0x01);

/** A key that signs the checkpoints of one origin, or of any if `name` is undefined. */
export interface NoteKey {
	readonly name: string | undefined;
	/** An Ed25519 key. */
	readonly publicKey: KeyObject;
}

export function ed25519KeyId(name: string, key: KeyObject): string {
	return keyIdOf(name, ED25519_TYPE, rawEd25519(key));
}

export function certificateKeyId(name: string, certificate: Certificate): string {
	return keyIdOf(name, CMS_TYPE, publicKeyOf(certificate).export({ format: "der", type: "spki" }));
}

/** Returns the text by which others are told an Ed25519 key: name, identifier, and type with key. */
export function encodeVerifierKey(name: string, key: KeyObject): string {
	const typed = Buffer.concat([ED25519_TYPE, rawEd25519(key)]);
	return `${name}+${ed25519KeyId(name, key)}+${typed.toString("base64")}`;
}

/**
 * Reads an Ed25519 key: a PEM text with `PUBLIC KEY`, or a verifier key of c2sp.org/signed-note. Returns undefined for
 * bytes that are neither, such as a certificate.
 * @throws ERR_KEY for a key of another kind, or one that is damaged
 */
export function parseNoteKey(bytes: Uint8Array): NoteKey | undefined {
	const text = Buffer.from(bytes).toString("utf8").trim();
	if (text.startsWith("-----BEGIN PUBLIC KEY-----")) return { name: undefined, publicKey: fromPem(text) };
	const [, name, keyId, base64] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
	if (base64 === undefined || !isKeyName(name)) return undefined;
	const typed = Buffer.from(base64, "base64");
	if (typed[0] !== ED25519_TYPE[0] || typed.length !== 1 + ED25519_BYTES) throw unusable("it is no key of Ed25519");
	const publicKey = createPublicKey({
		key: Buffer.concat([SPKI_HEAD, typed.subarray(1)]),
		format: "der",
		type: "spki",
	});
	if (ed25519KeyId(name, publicKey) !== keyId) throw unusable("its identifier does not belong to it");
	return { name, publicKey };
}

function fromPem(text: string): KeyObject {
	let key: KeyObject;
	try {
		key = createPublicKey(text);
	} catch {
		throw unusable("it is damaged or of an unknown kind");
	}
	if (key.asymmetricKeyType === "ed25519") return key;
	throw unusable("it is no key of Ed25519; for RSA and ECDSA give the certificate");
}

function unusable(reason: string): SigtoolError {
	return new SigtoolError("ERR_KEY", `Cannot use this public key: ${reason}`);
}

function rawEd25519(key: KeyObject): Buffer {
	return key.export({ format: "der", type: "spki" }).subarray(SPKI_HEAD.length);
}

/** The bytes before the 32 of an Ed25519 key in SubjectPublicKeyInfo. RFC 8410 §4. */
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");
const ED25519_BYTES = 32;
