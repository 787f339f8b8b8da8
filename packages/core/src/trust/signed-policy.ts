/**
 * Reads and verifies signed policies, by which a host can demand that others than the signers of trust indexes have written
 * its policy. The file is the policy document, as JSON that people can read, and behind it the signature in PEM.
 * docs/reference/policy.md explains both.
 */

import { createHash } from "node:crypto";
import { quote, SigtoolError } from "../errors.js";
import { type Certificate, spkiSha256 } from "../pki/certificate.js";
import { decodePem } from "../pki/pem-blocks.js";
import type { PolicySigners, TrustPolicy } from "../pki/trust-policy.js";
import { type Policy, policyFromFileBytes } from "./policy.js";
import {
	checkDetached,
	type DetachedJudgement,
	type DetachedKind,
	judgeDetached,
	parseDetached,
	type VerifiedSignature,
} from "./verify-detached.js";

/** A policy document and the signature over its bytes, which is not verified. */
export interface SignedPolicy {
	/** The document, whose UTF-8 is signed. */
	readonly document: string;
	/** A CMS SignedData in DER without the document. */
	readonly signature: Uint8Array;
}

/** The content type (OID) that the signature covers. It was made from a UUID, so that nothing else uses it. */
export const POLICY_OID = "2.25.113206505080961639687343182122458753820";

/** The size limit for a file with a signed policy in bytes. */
export const MAX_SIGNED_POLICY_BYTES = 2 ** 18;

/** The lines around the signature in a file. */
export const BEGIN = "-----BEGIN CMS-----";
export const END = "-----END CMS-----";

const KIND: DetachedKind = {
	what: "signed policy",
	contentType: POLICY_OID,
	malformed: (reason) => new SigtoolError("ERR_POLICY_SIGNER", `Cannot trust the signed policy: ${reason}`),
};

/** Tells whether the bytes of a file are those of a signed policy, and not those of a policy document. */
export function isSignedPolicy(bytes: Uint8Array): boolean {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(`\n${BEGIN}`);
}

/** Splits the content of a file with a signed policy. The signature is not verified. @throws ERR_POLICY */
export function parseSignedPolicy(bytes: Uint8Array, file: string): SignedPolicy {
	const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
	const end = content.indexOf(`\n${BEGIN}\n`) + 1;
	const block = content.subarray(end).toString("latin1");
	const isBlock = block.startsWith(BEGIN) && block.endsWith(`\n${END}\n`) && block.split("-----").length === 5;
	const refusal = (cause?: unknown) => {
		const message = `Cannot use signed policy ${quote(file)}: behind the document there must be one block ${quote("CMS")}, and nothing else; sign it again`;
		return new SigtoolError("ERR_POLICY", message, { cause, path: file });
	};
	if (end === 0 || !isBlock) throw refusal();
	let signature: Uint8Array | undefined;
	try {
		[signature] = decodePem(content.subarray(end), "CMS");
	} catch (cause) {
		throw refusal(cause);
	}
	const document = content.subarray(0, end).toString("utf8");
	if (signature === undefined || Buffer.byteLength(document) !== end) throw refusal();
	policyOfSigned({ document, signature }, file);
	return { document, signature };
}

/** Reads the document. @throws ERR_POLICY */
export function policyOfSigned({ document }: SignedPolicy, file = "signed policy"): Policy {
	return policyFromFileBytes(Buffer.from(document), file);
}

/**
 * Returns the certificate whose key signed the document. This does not make the signer trusted.
 * @throws ERR_POLICY_SIGNER for the signature of something else; ERR_DER, ERR_CMS_FORMAT, the errors of `checkDetached`
 */
export function policyCertificate(signed: SignedPolicy): Certificate {
	return checkDetached(parseDetached(signed.signature, KIND), digestOf(signed), KIND);
}

/**
 * Verifies that a policy signer of the host has signed the policy of an index, and that it is not older than the host allows.
 * `policy` is the one that the index brings, and `signed` its signed form if it has one.
 * @throws ERR_POLICY_SIGNER, ERR_SEQUENCE, ERR_DENIED, ERR_DEVELOPMENT_IDENTITY, the errors of `policyCertificate` and
 * `judgeSigner`
 */
export function verifySignedPolicy(
	signed: SignedPolicy | undefined,
	policy: Policy,
	{ pins, minimumSequence }: PolicySigners,
	judgement: DetachedJudgement,
): VerifiedSignature {
	if (signed === undefined) throw unsignedPolicy("the trust index has no signed policy");
	const parts = parseDetached(signed.signature, KIND);
	const certificate = checkDetached(parts, digestOf(signed), KIND);
	const key = spkiSha256(certificate);
	if (!pins.has(key)) {
		const message = `Cannot trust the signed policy: ${quote(certificate.subject.text)}, key ${key}, signed the policy and is no policy signer here; have a policy signer sign it, or add its key to "policySigners"`;
		throw new SigtoolError("ERR_POLICY_SIGNER", message);
	}
	const { deny, timestampAuthorities, development, developmentKey } = judgement.trust;
	const trust: TrustPolicy = {
		...{ pins, authorities: [], timestampAuthorities, deny },
		...(development && { development }),
		...(developmentKey !== undefined && { developmentKey }),
	};
	const verified = judgeDetached(parts, certificate, KIND, { ...judgement, trust });
	if (minimumSequence !== undefined && (policy.sequence ?? -1) < minimumSequence) {
		const message = `Cannot use the signed policy: this host demands a policy with a sequence of at least ${minimumSequence}; compile the index with a newer one`;
		throw new SigtoolError("ERR_SEQUENCE", message);
	}
	return verified;
}

/** Makes the error about a host that demands a signed policy and has none. `reason` is a clause. */
export function unsignedPolicy(reason: string): SigtoolError {
	const message = `Cannot use the policy: ${reason}, and this host demands one by its "policySigners"; sign it with \`policy sign\`, and compile the index with it`;
	return new SigtoolError("ERR_POLICY_SIGNER", message);
}

function digestOf({ document }: SignedPolicy): Buffer {
	return createHash("sha256").update(document).digest();
}
