/** Signs content that lies beside its signature: a trust index, or a checkpoint. */

import { createHash } from "node:crypto";
import { octetString, oid, time } from "../asn1/der.js";
import { encodeAttribute, encodeSignedAttributes, encodeSignedData } from "../pki/cms.js";
import { CONTENT_TYPE, MESSAGE_DIGEST } from "../pki/cms-verify.js";
import { encodeSigningCertificate } from "../pki/signing-certificate.js";
import { SIGNING_TIME, TOKEN_ATTRIBUTE } from "../pki/timestamp.js";
import { throwIfAborted, unlessAborted } from "../system/abort.js";
import type { Signer } from "./signer.js";

export interface DetachedSignatureOptions {
	/** The content type (OID) that the signature covers. */
	readonly contentType: string;
	/** The signing time in milliseconds since the epoch. Fractions of a second are dropped. */
	readonly time: number;
	/** Returns an RFC 3161 token over the bytes of the signature. Without it, the signature has no timestamp. */
	readonly stamp?: ((signature: Uint8Array) => Promise<Uint8Array>) | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Returns the pieces of a detached CMS SignedData over the content.
 * @throws the errors of the signer and of `stamp`; AbortError
 */
export async function signDetached(
	content: string | Uint8Array,
	signer: Signer,
	{ contentType, time: at, stamp, signal }: DetachedSignatureOptions,
): Promise<Uint8Array[]> {
	const [certificate] = signer.certificates;
	const signedAttributes = encodeSignedAttributes([
		encodeAttribute(CONTENT_TYPE, oid(contentType)),
		encodeAttribute(MESSAGE_DIGEST, octetString(createHash("sha256").update(content).digest())),
		encodeAttribute(SIGNING_TIME, time(at)),
		encodeSigningCertificate(certificate),
	]);
	throwIfAborted(signal);
	const signature = await unlessAborted(signal, signer.sign(signedAttributes, signal));
	const unsignedAttributes = stamp && [encodeAttribute(TOKEN_ATTRIBUTE, await stamp(signature))];
	return encodeSignedData({
		contentType,
		certificates: signer.certificates,
		signer: { algorithm: signer.algorithm, certificate, signedAttributes, signature, unsignedAttributes },
	});
}
