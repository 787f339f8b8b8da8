/**
 * Verifies the timestamps on a signature, which are unsigned attributes of its signer: RFC 3161 tokens (in Microsoft's
 * attribute) and the older countersignatures (RFC 5652 §11.4, RFC 2985 §5.3.3).
 *
 * Both kinds cover the bytes of the signature value. Two deviations of authorities in wide use are accepted: an
 * extended key usage that is not critical, and a signer's certificate that is named by SHA-1 (ESSCertID, RFC 2634
 * §5.4).
 *
 * A signer must not choose the time of its own signature. So a timestamp is refused if its certificate may sign code,
 * or if the key of the signature made it.
 */

import { createHash } from "node:crypto";
import { compareBytes, DerReader, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { type Certificate, spkiSha256 } from "./certificate.js";
import type { CertificateRequirements } from "./certificate-checks.js";
import { type Chain, verifyChain } from "./chain.js";
import { type Attribute, parseSignedData, parseSignerInfo, type SignerInfo } from "./cms.js";
import { signedAttribute, signerCertificates, verifySigner } from "./cms-verify.js";
import { type Denial, refuseDeniedCertificates } from "./deny-list.js";
import { digestName, type Profile, SHA256_OID } from "./signature-algorithm.js";
import { namesCertificateBySha2, signingCertificateProblem } from "./signing-certificate.js";
import { parseTstInfo, TST_INFO_OID, type TstInfo } from "./tst-info.js";

export type TimestampKind = "rfc3161" | "countersignature";

/** Evidence that the signature existed at `time`. */
export interface Timestamp {
	readonly kind: TimestampKind;
	/** Milliseconds since the epoch. */
	readonly time: number;
	readonly certificate: Certificate;
	readonly chain: Chain;
}

export interface TimestampVerifyOptions {
	/**
	 * The certificates that come with the signature: the signer's, those of countersignatures, and possibly those of
	 * tokens.
	 */
	readonly certificates: readonly Certificate[];
	/** The authorities whose timestamps are accepted. */
	readonly anchors: readonly Certificate[];
	/**
	 * The authorities whose timestamps are refused. The key of an entry is the SHA-256 of the SubjectPublicKeyInfo of
	 * the certificate that signs the timestamps, and the value is the error to report.
	 */
	readonly refusedAuthorities?: ReadonlyMap<string, SigtoolError>;
	readonly deny?: readonly Denial[];
	readonly profile: Profile;
	/**
	 * `rfc3161` accepts only RFC 3161 tokens, and only from authorities whose extended key usage is as RFC 3161 §2.3
	 * demands. `any`, the default, accepts countersignatures too, and an extended key usage that is not critical.
	 */
	readonly form?: "any" | "rfc3161";
}

export interface TimestampVerification {
	/** The valid timestamps. The earliest comes first, because it proves the most. */
	readonly timestamps: readonly Timestamp[];
	/** One error for each timestamp that does not verify. */
	readonly failures: readonly SigtoolError[];
}

/** On one signature at most this many timestamps are judged. */
export const MAX_TIMESTAMPS = 8;
/** A timestamp has at most this many bytes. Timestamps of real authorities have 2 to 10 KB. */
export const MAX_TIMESTAMP_SIZE = 2 ** 20;

/**
 * Judges each timestamp of a signer at the time that the timestamp states. Does not throw for an invalid timestamp,
 * because anybody can add an unsigned attribute, which must not make a signature invalid.
 */
export function verifyTimestamps(signer: SignerInfo, options: TimestampVerifyOptions): TimestampVerification {
	const timestamps: Timestamp[] = [];
	const failures: SigtoolError[] = [];
	const found = timestampAttributes(signer);
	const timeStampingEku = options.form === "rfc3161" ? "strict" : "tolerant";
	const signers = signerCertificates(signer, options.certificates);
	for (const { kind, value } of found.slice(0, MAX_TIMESTAMPS)) {
		try {
			if (options.form === "rfc3161" && kind !== "rfc3161") throw notAToken();
			const received = readTimestamp(kind, value, signer);
			timestamps.push(verifyTimestamp(received, signer.signature, { ...options, timeStampingEku, signers }));
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			failures.push(error);
		}
	}
	if (found.length > MAX_TIMESTAMPS) failures.push(tooMany(found.length));
	return { timestamps: timestamps.sort((a, b) => a.time - b.time), failures };
}

/**
 * Verifies a token that was just requested over the bytes of a signature. The rules are stricter than for a token in a
 * catalog. The token must use SHA-256, have the nonce of the request, and name its signer's certificate by SHA-2. This
 * certificate must have a critical extended key usage with timeStamping alone. `signer` is the certificate of the
 * signature, whose key must not have made the token.
 * @throws ERR_TIMESTAMP, ERR_CERTIFICATE_*, and the other errors of `verifyChain` and `verifySigner`
 */
export function verifyNewToken(
	token: Uint8Array,
	signature: Uint8Array,
	nonce: Uint8Array,
	{
		signer: signedBy,
		...authorities
	}: Pick<TimestampVerifyOptions, "anchors" | "deny"> & { readonly signer: Certificate },
): Timestamp {
	const received = readToken(token);
	const { tstInfo, signer } = received;
	if (tstInfo?.nonce === undefined || compareBytes(tstInfo.nonce, nonce) !== 0) {
		throw new SigtoolError("ERR_TIMESTAMP", "Cannot trust the timestamp: its nonce is not the one that was sent");
	}
	if (tstInfo.imprint.algorithm.oid !== SHA256_OID) {
		throw new SigtoolError("ERR_TIMESTAMP", "Cannot trust the timestamp: its imprint is not of SHA-256, as asked for");
	}
	if (!namesCertificateBySha2(signer)) {
		const message = "Cannot trust the timestamp: it names its signer's certificate by SHA-1 or not at all";
		throw new SigtoolError("ERR_TIMESTAMP", message);
	}
	const options = { ...authorities, certificates: [], profile: "default", timeStampingEku: "strict" } as const;
	return verifyTimestamp(received, signature, { ...options, signers: [signedBy] });
}

/** The unverified claims of a timestamp. */
export interface TimestampDescription {
	readonly kind: TimestampKind;
	/** Milliseconds since the epoch; undefined if the timestamp cannot be read. */
	readonly time: number | undefined;
	/** Subject of the certificate that the timestamp names; undefined if this certificate is missing. */
	readonly signer: string | undefined;
	/** OID of the digest algorithm in the signature of the timestamp. */
	readonly digestAlgorithm: string | undefined;
	/** The reason why the timestamp cannot be read. */
	readonly problem: string | undefined;
}

/**
 * Describes the timestamps of a signer for display, without verifying them. If there are more than MAX_TIMESTAMPS, one
 * more description reports this as its `problem`. `certificates` are those that come with the signature.
 */
export function describeTimestamps(
	signer: SignerInfo,
	certificates: readonly Certificate[] = [],
): TimestampDescription[] {
	const found = timestampAttributes(signer);
	return found.slice(0, MAX_TIMESTAMPS + 1).map(({ kind, value }, index) => {
		try {
			if (index === MAX_TIMESTAMPS) throw tooMany(found.length);
			const received = readTimestamp(kind, value, signer);
			const [certificate] = signerCertificates(received.signer, [...received.certificates, ...certificates]);
			return {
				kind,
				time: received.time,
				signer: certificate?.subject.text,
				digestAlgorithm: received.signer.digestAlgorithm.oid,
				problem: undefined,
			};
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			return { kind, time: undefined, signer: undefined, digestAlgorithm: undefined, problem: error.message };
		}
	});
}

/** A parsed timestamp. Nothing in it is verified. */
interface ReceivedTimestamp {
	readonly kind: TimestampKind;
	readonly time: number;
	readonly signer: SignerInfo;
	readonly certificates: readonly Certificate[];
	readonly contentType: string | "none";
	/** The bytes that the timestamp's messageDigest covers: the TSTInfo, or the signature value itself. */
	readonly contentValue: Uint8Array;
	readonly tstInfo: TstInfo | undefined;
}

/** Returns true for an unsigned attribute that contains timestamps. */
export function isTimestampAttribute({ oid }: Attribute): boolean {
	return KINDS.has(oid);
}

function timestampAttributes({ unsignedAttributes }: SignerInfo): { kind: TimestampKind; value: Uint8Array }[] {
	return unsignedAttributes.flatMap(({ oid, values }) => {
		const kind = KINDS.get(oid);
		return kind === undefined ? [] : values.map((value) => ({ kind, value }));
	});
}

function tooMany(count: number): SigtoolError {
	const message = `Cannot judge all ${count} timestamps: only the first ${MAX_TIMESTAMPS} are looked at`;
	return new SigtoolError("ERR_LIMIT", message);
}

function notAToken(): SigtoolError {
	return new SigtoolError(
		"ERR_TIMESTAMP",
		"Cannot use the timestamp: it is a countersignature, not a token of RFC 3161",
	);
}

function readTimestamp(kind: TimestampKind, value: Uint8Array, signed: SignerInfo): ReceivedTimestamp {
	if (value.length > MAX_TIMESTAMP_SIZE) {
		throw new SigtoolError("ERR_LIMIT", `Cannot parse timestamp: it is larger than ${MAX_TIMESTAMP_SIZE} bytes`);
	}
	return kind === "rfc3161" ? readToken(value) : readCountersignature(value, signed);
}

/** Parses a TimeStampToken: SignedData over a TSTInfo in an OCTET STRING, with one signer. RFC 3161 §2.4.2. */
function readToken(der: Uint8Array): ReceivedTimestamp {
	const { contentType, content, contentValue, certificates, signers } = parseSignedData(der, "timestamp");
	if (contentType !== TST_INFO_OID || contentValue === undefined || content?.[0] !== TAG.OCTET_STRING) {
		throw new SigtoolError("ERR_TIMESTAMP", "Cannot parse timestamp: its content is not a TSTInfo");
	}
	const [signer, ...others] = signers;
	if (signer === undefined || others.length > 0) {
		throw new SigtoolError("ERR_TIMESTAMP", `Cannot parse timestamp: it has ${signers.length} signers`);
	}
	const tstInfo = parseTstInfo(contentValue);
	return { kind: "rfc3161", time: tstInfo.time, signer, certificates, contentType, contentValue, tstInfo };
}

/**
 * Parses a SignerInfo whose content is the signature value of `signed`. The time of the timestamp is in the attribute
 * signingTime. RFC 5652 §11.3, §11.4.
 */
function readCountersignature(der: Uint8Array, signed: SignerInfo): ReceivedTimestamp {
	const signer = parseSignerInfo(der, "timestamp");
	const signingTime = signedAttribute(signer, SIGNING_TIME, "timestamp");
	if (signingTime === undefined) {
		throw new SigtoolError("ERR_TIMESTAMP", "Cannot parse timestamp: it names no time");
	}
	return {
		kind: "countersignature",
		time: new DerReader(signingTime, "timestamp").time(),
		signer,
		certificates: [],
		contentType: "none",
		contentValue: signed.signature,
		tstInfo: undefined,
	};
}

function verifyTimestamp(
	received: ReceivedTimestamp,
	signature: Uint8Array,
	options: TimestampVerifyOptions &
		Pick<CertificateRequirements, "timeStampingEku"> & {
			/** The certificates that may belong to the signer of the signature, because they match its identifier. */
			readonly signers: readonly Certificate[];
		},
): Timestamp {
	const { kind, time, signer, contentType, contentValue, tstInfo } = received;
	const { anchors, profile, timeStampingEku } = options;
	const certificates = [...received.certificates, ...options.certificates];
	if (tstInfo !== undefined) checkImprint(tstInfo, signature, profile);
	const verification = { contentType, contentValue, certificates, profile, what: "timestamp" };
	const { certificate } = verifySigner(signer, verification);
	refuseKeyOfSigner(certificate, options.signers);
	const refusal = options.refusedAuthorities?.get(spkiSha256(certificate));
	if (refusal !== undefined) throw refusal;
	const misnamed = kind === "rfc3161" ? signingCertificateProblem(signer, certificate, "timestamp") : undefined;
	if (misnamed !== undefined) throw new SigtoolError("ERR_TIMESTAMP", `Cannot trust the timestamp: ${misnamed}`);
	const requirements = { at: time, purpose: "timeStamping", profile, timeStampingEku } as const;
	const chain = verifyChain(certificate, { intermediates: certificates, anchors, ...requirements });
	refuseDeniedCertificates(options.deny, chain.certificates);
	return { kind, time, certificate, chain };
}

/**
 * Refuses a timestamp by the key that made the signature, because the owner of this key could choose any time.
 * @throws ERR_TIMESTAMP
 */
function refuseKeyOfSigner(certificate: Certificate, signers: readonly Certificate[]): void {
	const key = spkiSha256(certificate);
	if (!signers.some((signer) => spkiSha256(signer) === key)) return;
	const reason = "the key that made the signature made it too; let a timestamping authority make it";
	throw new SigtoolError("ERR_TIMESTAMP", `Cannot trust the timestamp: ${reason}`);
}

function checkImprint({ imprint }: TstInfo, signature: Uint8Array, profile: Profile): void {
	const digest = createHash(digestName(imprint.algorithm, profile, "timestamp"))
		.update(signature)
		.digest();
	if (!digest.equals(imprint.digest)) {
		throw new SigtoolError("ERR_TIMESTAMP", "Cannot trust the timestamp: it was issued for another signature");
	}
}

export const SIGNING_TIME = "1.2.840.113549.1.9.5";

/** The attribute in which a signature carries tokens: Microsoft's szOID_RFC3161_counterSign. */
export const TOKEN_ATTRIBUTE = "1.3.6.1.4.1.311.3.3.1";

/** Maps each unsigned attribute that contains timestamps to the kind of these timestamps. */
const KINDS: ReadonlyMap<string, TimestampKind> = new Map([
	[TOKEN_ATTRIBUTE, "rfc3161"],
	["1.2.840.113549.1.9.6", "countersignature"],
]);
