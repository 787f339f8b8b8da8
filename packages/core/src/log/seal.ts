/** Signs checkpoints: by an Ed25519 key, or by a signer with a certificate, as signs catalogs. */

import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";
import { octetString, oid, time } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { encodeAttribute, encodeSignedAttributes, encodeSignedData } from "../pki/cms.js";
import { encodeSigningCertificate } from "../pki/signing-certificate.js";
import { TOKEN_ATTRIBUTE } from "../pki/timestamp.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import { openKeyFile } from "../signer/pem.js";
import type { PassphraseSource, Signer } from "../signer/signer.js";
import { throwIfAborted, unlessAborted } from "../system/abort.js";
import { parseCheckpoint } from "./checkpoint.js";
import { CHECKPOINT_OID, certificateKeyId, ed25519KeyId, encodeVerifierKey } from "./checkpoint-keys.js";
import { encodeNote } from "./note.js";

export interface SealOptions {
	/** The signing time in milliseconds since the epoch. Default now. */
	readonly time?: number;
	readonly timestamp?: TimestampRequest | undefined;
	readonly signal?: AbortSignal;
}

/**
 * Returns the checkpoint as a signed note. `text` is a result of `encodeCheckpoint`.
 * @throws ERR_CHECKPOINT_FORMAT, the errors of the signer, ERR_NETWORK, ERR_TIMESTAMP, AbortError
 */
export async function sealWithSigner(
	text: string,
	signer: Signer,
	{ time: at = Date.now(), timestamp: request, signal }: SealOptions = {},
): Promise<{ readonly note: string; readonly timestamp: NewTimestamp | undefined }> {
	const { origin } = parseCheckpoint(text);
	const [certificate] = signer.certificates;
	const signedAttributes = encodeSignedAttributes([
		encodeAttribute(CONTENT_TYPE_OID, oid(CHECKPOINT_OID)),
		encodeAttribute(MESSAGE_DIGEST_OID, octetString(createHash("sha256").update(text).digest())),
		encodeAttribute(SIGNING_TIME_OID, time(at)),
		encodeSigningCertificate(certificate),
	]);
	throwIfAborted(signal);
	const signature = await unlessAborted(signal, signer.sign(signedAttributes, signal));
	let timestamp: NewTimestamp | undefined;
	if (request !== undefined) {
		// This module is loaded only here, because signing without a timestamp needs no network.
		const { fetchTimestamp } = await import("../pki/fetch-timestamp.js");
		timestamp = await fetchTimestamp(signature, certificate, request, signal);
	}
	const unsignedAttributes = timestamp && [encodeAttribute(TOKEN_ATTRIBUTE, timestamp.token)];
	const signed = encodeSignedData({
		contentType: CHECKPOINT_OID,
		certificates: signer.certificates,
		signer: { algorithm: signer.algorithm, certificate, signedAttributes, signature, unsignedAttributes },
	});
	const keyId = certificateKeyId(origin, certificate);
	return {
		note: encodeNote({ text, signatures: [{ name: origin, keyId, signature: Buffer.concat(signed) }] }),
		timestamp,
	};
}

/** Signs with a private key of Ed25519. Returns the note, and the verifier key for those who check it. */
export function sealWithKey(text: string, key: KeyObject): { readonly note: string; readonly verifierKey: string } {
	const { origin } = parseCheckpoint(text);
	const publicKey = createPublicKey(key);
	const signature = sign(null, Buffer.from(text), key);
	const keyId = ed25519KeyId(origin, publicKey);
	return {
		note: encodeNote({ text, signatures: [{ name: origin, keyId, signature }] }),
		verifierKey: encodeVerifierKey(origin, publicKey),
	};
}

/**
 * Opens a private key that signs without a certificate.
 * @throws ERR_KEY for a key that is none of Ed25519; the errors of `openKeyFile`
 */
export async function openSealKey(
	file: string,
	passphrase: PassphraseSource,
	onWarning: (text: string) => void,
): Promise<KeyObject> {
	const { key } = await openKeyFile(file, passphrase, onWarning);
	if (key.asymmetricKeyType === "ed25519") return key;
	throw new SigtoolError(
		"ERR_KEY",
		"Cannot sign with this key alone: only a key of Ed25519 needs no certificate; name the certificate with --cert",
	);
}

const CONTENT_TYPE_OID = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST_OID = "1.2.840.113549.1.9.4";
const SIGNING_TIME_OID = "1.2.840.113549.1.9.5";
