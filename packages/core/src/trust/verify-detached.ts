/** Verifies a CMS signature that lies beside its content: that of a trust index, or that of a policy. */

import { quote, SigtoolError } from "../errors.js";
import type { Certificate } from "../pki/certificate.js";
import { parseSignedData, type SignedData, type SignerInfo } from "../pki/cms.js";
import { verifySigner } from "../pki/cms-verify.js";
import { type JudgedTime, judgementTime, withTimestampFailures } from "../pki/judged-time.js";
import { certificateToJudge, judgeSigner, type VerifiedSigner } from "../pki/signer-trust.js";
import { signingCertificateProblem } from "../pki/signing-certificate.js";
import { type Timestamp, verifyTimestamps } from "../pki/timestamp.js";
import { type TrustPolicy, timestampAnchors } from "../pki/trust-policy.js";

/** Describes the content that a detached signature covers. */
export interface DetachedKind {
	/** The name of the content in messages. */
	readonly what: string;
	/** The content type (OID) that the signature must cover. */
	readonly contentType: string;
	/** Makes the error about a signature of another kind. */
	readonly malformed: (reason: string) => SigtoolError;
}

export interface DetachedSignature {
	readonly signedData: SignedData;
	readonly signer: SignerInfo;
}

export interface DetachedJudgement {
	readonly trust: TrustPolicy;
	readonly timestampAnchors?: readonly Certificate[] | undefined;
	readonly refusedAuthorities?: ReadonlyMap<string, SigtoolError> | undefined;
	readonly at?: number | undefined;
	readonly development?: "refuse" | "allow" | undefined;
}

/** A signature that is valid, by a signer who is trusted. */
export interface VerifiedSignature {
	readonly signer: VerifiedSigner;
	/** The time for which the signer was judged. */
	readonly judgedAt: JudgedTime;
	/** The timestamp that gave the time `judgedAt`. Undefined if the time is not from a timestamp. */
	readonly timestamp: Timestamp | undefined;
	/** Texts for the user about facts that do not affect the verdict. */
	readonly warnings: readonly string[];
}

/**
 * Parses the signature. It must have exactly one signer, and must not contain the signed content itself.
 * @throws ERR_DER, ERR_CMS_FORMAT, the errors of `kind.malformed`
 */
export function parseDetached(
	der: Uint8Array,
	{ what, contentType: expected, malformed }: DetachedKind,
): DetachedSignature {
	const signedData = parseSignedData(der, what);
	const { contentType, content, signers } = signedData;
	if (contentType !== expected) throw malformed(`its signature is for content of type ${contentType}`);
	if (content !== undefined) throw malformed("its signature contains other content");
	const [signer, ...others] = signers;
	if (signer === undefined || others.length > 0) throw malformed(`it has ${signers.length} signers`);
	return { signedData, signer };
}

/**
 * Returns the certificate whose key signed the content with this SHA-256. This does not make the signer trusted.
 * @throws the errors of `verifySigner`; ERR_SIGNED_ATTRIBUTES
 */
export function checkDetached(
	{ signedData: { certificates, anomalies }, signer }: DetachedSignature,
	sha256: Uint8Array,
	{ what, contentType }: DetachedKind,
): Certificate {
	const contentValue = (digest: string) => (digest === "sha256" ? sha256 : refuseDigest(digest, what));
	const { certificate } = verifySigner(signer, {
		...{ contentType, contentValue, certificates, anomalies, profile: "default", what },
	});
	const misnamed = signingCertificateProblem(signer, certificate, what);
	if (misnamed === undefined) return certificate;
	throw new SigtoolError("ERR_SIGNED_ATTRIBUTES", `Cannot trust the ${what}: ${misnamed}`);
}

/**
 * Judges the signer whose certificate `checkDetached` has returned. If a timestamp proves that the content was signed before
 * the certificate expired, the signer is still trusted.
 * @throws the errors of `judgeSigner`; ERR_DEVELOPMENT_IDENTITY
 */
export function judgeDetached(
	{ signedData: { certificates: intermediates }, signer }: DetachedSignature,
	certificate: Certificate,
	{ what }: DetachedKind,
	judgement: DetachedJudgement,
): VerifiedSignature {
	const { trust, refusedAuthorities, development = "refuse" } = judgement;
	const { timestamps, failures } = verifyTimestamps(signer, {
		certificates: intermediates,
		anchors: judgement.timestampAnchors ?? timestampAnchors(trust),
		refusedAuthorities,
		deny: trust.deny,
		profile: "default",
		form: "rfc3161",
	});
	const judgedAt = judgementTime(certificateToJudge(certificate, trust), timestamps, failures.length > 0, judgement.at);
	const verified = withTimestampFailures(failures, () => {
		try {
			return judgeSigner(certificate, trust, { intermediates, at: judgedAt.at, profile: "default" });
		} catch (error) {
			// A certificate whose validity has not begun is mostly one that a slow clock judges. A timestamp is no slow clock.
			const isEarly = error instanceof SigtoolError && error.code === "ERR_CERTIFICATE_NOT_YET_VALID";
			if (!isEarly || judgedAt.without === undefined) throw error;
			throw new SigtoolError(error.code, error.message, { cause: error, passing: true });
		}
	});
	if (verified.development && development === "refuse") {
		const reason = `the development identity ${quote(certificate.subject.text)} signed it; sign it with a release key`;
		throw new SigtoolError("ERR_DEVELOPMENT_IDENTITY", `Cannot trust the ${what}: ${reason}`);
	}
	return {
		signer: verified,
		judgedAt,
		timestamp: judgedAt.without === undefined ? timestamps[0] : undefined,
		warnings: failures.map((failure) => `a timestamp was not used: ${failure.message}`),
	};
}

function refuseDigest(digest: string, what: string): never {
	const message = `Cannot check the ${what}: it is signed with ${digest}, not sha256`;
	throw new SigtoolError("ERR_UNSUPPORTED_ALGORITHM", message);
}
