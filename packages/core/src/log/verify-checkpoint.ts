/**
 * Verifies the signatures of a checkpoint. A signature by a key that is trusted must be valid, and there must be one.
 * Signatures of other keys, such as those of witnesses, are passed over, as c2sp.org/signed-note demands.
 */

import { type KeyObject, verify } from "node:crypto";
import { quote, SigtoolError } from "../errors.js";
import type { Certificate } from "../pki/certificate.js";
import { parseSignedData, type SignedData } from "../pki/cms.js";
import { verifySigner } from "../pki/cms-verify.js";
import { type JudgedTime, judgementTime, withTimestampFailures } from "../pki/judged-time.js";
import { certificateToJudge, judgeSigner, type VerifiedSigner } from "../pki/signer-trust.js";
import { signingCertificateProblem } from "../pki/signing-certificate.js";
import { verifyTimestamps } from "../pki/timestamp.js";
import { type TrustPolicy, timestampAnchors } from "../pki/trust-policy.js";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.js";
import { CHECKPOINT_OID, certificateKeyId, ed25519KeyId, type NoteKey } from "./checkpoint-keys.js";
import { type NoteSignature, parseNote } from "./note.js";

export interface CheckpointTrust {
	/** The keys of Ed25519 that are trusted. */
	readonly keys: readonly NoteKey[];
	/** The policy by which the signer of a CMS signature is judged. */
	readonly trust: TrustPolicy;
	readonly timestampAnchors?: readonly Certificate[] | undefined;
	/** The time for which a signer is judged, in milliseconds since the epoch, if no timestamp tells. Default now. */
	readonly at?: number | undefined;
}

export interface VerifiedCheckpoint {
	readonly checkpoint: Checkpoint;
	readonly by: CheckpointSigner;
	/** The number of signatures that were passed over, because their keys are not trusted or not known. */
	readonly ignored: number;
	readonly warnings: readonly string[];
}

export type CheckpointSigner =
	| { readonly type: "ed25519"; readonly name: string; readonly keyId: string }
	| { readonly type: "cms"; readonly signer: VerifiedSigner; readonly judgedAt: JudgedTime };

const WHAT = "checkpoint";

/**
 * @throws ERR_CHECKPOINT_FORMAT; ERR_SIGNATURE; ERR_UNTRUSTED_SIGNER if no key that is trusted signed it; the errors of
 * `judgeSigner` if there is only one signature
 */
export function verifyCheckpoint(bytes: Uint8Array, options: CheckpointTrust): VerifiedCheckpoint {
	const { text, signatures } = parseNote(bytes);
	const checkpoint = parseCheckpoint(text);
	const signed = Buffer.from(text);
	const warnings: string[] = [];
	const failures: SigtoolError[] = [];
	const signers = signatures.flatMap((signature): CheckpointSigner[] => {
		const key = keyOf(signature, options.keys);
		if (key !== undefined) return [signerByKey(signature, signed, key.publicKey)];
		try {
			const signer = signerByCertificate(signature, signed, options, warnings);
			return signer === undefined ? [] : [signer];
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			failures.push(error);
			return [];
		}
	});
	const [by] = signers;
	if (by !== undefined) return { checkpoint, by, ignored: signatures.length - signers.length, warnings };
	const [only, ...others] = failures;
	if (only !== undefined && others.length === 0) throw only;
	const message = `Cannot trust the ${WHAT} of ${quote(checkpoint.origin)}: no key that is trusted here signed it; name its key or certificate with --trust`;
	throw new SigtoolError("ERR_UNTRUSTED_SIGNER", message, { problems: failures });
}

function keyOf(signature: NoteSignature, keys: readonly NoteKey[]): NoteKey | undefined {
	return keys.find(({ name, publicKey }) => {
		return (name ?? signature.name) === signature.name && ed25519KeyId(signature.name, publicKey) === signature.keyId;
	});
}

/** @throws ERR_SIGNATURE, because a key that is trusted is named */
function signerByKey({ name, keyId, signature }: NoteSignature, signed: Buffer, key: KeyObject): CheckpointSigner {
	if (verify(null, signed, key, signature)) return { type: "ed25519", name, keyId };
	throw new SigtoolError("ERR_SIGNATURE", `Cannot trust the ${WHAT}: the signature of ${quote(name)} does not match`);
}

/** The bytes of a signature do not tell their type, so those that are no SignedData are of a type that is unknown here. */
function signedDataIn(signature: Buffer): SignedData | undefined {
	try {
		return parseSignedData(signature, WHAT);
	} catch (error) {
		if (error instanceof SigtoolError) return undefined;
		throw error;
	}
}

/** Returns undefined for a signature that is none of a certificate's key. */
function signerByCertificate(
	{ name, keyId, signature }: NoteSignature,
	signed: Buffer,
	{ trust, timestampAnchors: anchors = timestampAnchors(trust), at }: CheckpointTrust,
	warnings: string[],
): CheckpointSigner | undefined {
	const signedData = signedDataIn(signature);
	if (signedData === undefined) return undefined;
	const { certificates, anomalies, signers, content, contentType } = signedData;
	const [signer, ...others] = signers;
	if (signer === undefined || others.length > 0 || content !== undefined || contentType !== CHECKPOINT_OID)
		return undefined;
	const { certificate } = verifySigner(signer, {
		contentType: CHECKPOINT_OID,
		contentValue: signed,
		...{ certificates, anomalies, profile: "default", what: WHAT },
	});
	if (certificateKeyId(name, certificate) !== keyId) return undefined;
	const misnamed = signingCertificateProblem(signer, certificate, WHAT);
	if (misnamed !== undefined) throw new SigtoolError("ERR_SIGNED_ATTRIBUTES", `Cannot trust the ${WHAT}: ${misnamed}`);
	const { deny } = trust;
	const { timestamps, failures } = verifyTimestamps(signer, {
		...{ certificates, anchors, deny, profile: "default", form: "rfc3161" },
	});
	const judgedAt = judgementTime(certificateToJudge(certificate, trust), timestamps, failures.length > 0, at);
	const verified = withTimestampFailures(failures, () => {
		return judgeSigner(certificate, trust, { intermediates: certificates, at: judgedAt.at, profile: "default" });
	});
	warnings.push(...failures.map(({ message }) => `a timestamp was not used: ${message}`));
	return { type: "cms", signer: verified, judgedAt };
}
