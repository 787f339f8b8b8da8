/** Signs checkpoints: by an Ed25519 key, or by a signer with a certificate, such as one that signs catalogs. */

import { createPublicKey, type KeyObject, sign } from "node:crypto";
import { SigtoolError } from "../errors.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import { openKeyFile } from "../signer/pem.js";
import { signDetached } from "../signer/sign-detached.js";
import type { PassphraseSource, Signer } from "../signer/signer.js";
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
	{ time = Date.now(), timestamp: request, signal }: SealOptions = {},
): Promise<{ readonly note: string; readonly timestamp: NewTimestamp | undefined }> {
	const { origin } = parseCheckpoint(text);
	const [certificate] = signer.certificates;
	let timestamp: NewTimestamp | undefined;
	const stamp =
		request &&
		(async (signature: Uint8Array) => {
			// This module is loaded only here, because signing without a timestamp needs no network.
			const { fetchTimestamp } = await import("../pki/fetch-timestamp.js");
			timestamp = await fetchTimestamp(signature, certificate, request, signal);
			return timestamp.token;
		});
	const signed = await signDetached(text, signer, { contentType: CHECKPOINT_OID, time, stamp, signal });
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
