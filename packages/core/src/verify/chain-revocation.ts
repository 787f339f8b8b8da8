/** Judges the certificates of a chain, or of a signer, by the answers of all sources about their revocation. */

import { quote, SigtoolError } from "../errors.js";
import type { Certificate } from "../pki/certificate.js";
import { type CertificateStatus, judgeRevocation, type RevocationJudgement } from "../pki/revocation.js";
import type { VerifiedSigner } from "../pki/signer-trust.js";
import { answersAbout, type RevocationSources } from "./revocation-sources.js";

export interface RevocationReport {
	/** The status of every certificate that an authority issued, or of the pinned key. */
	readonly statuses: readonly SignerStatus[];
	/** Texts for the user about every status that is not good, and about every source that failed. */
	readonly warnings: readonly string[];
}

/** A pinned key, about which no authority is asked, because the user alone vouches for it. */
export interface PinnedStatus {
	readonly status: "not-asked";
	/** The label of the pin in the trust policy. */
	readonly pin: string;
	readonly certificate?: undefined;
	readonly statement?: undefined;
	/** The warning about the key. */
	readonly reasons: readonly string[];
}

export type SignerStatus = CertificateStatus | PinnedStatus;

/** The judgement without the current time, which is taken after all sources have answered. */
export type Judgement = Omit<RevocationJudgement, "now">;

/**
 * Returns the judgement of a signature without a timestamp, for the time `at` that the user gave, or for now. A time
 * that the user gave is proven.
 */
export function judgementAt(at: number | undefined): Judgement {
	return { at: at ?? Date.now(), time: at === undefined ? "assumed" : "proven", purpose: "codeSigning" };
}

/**
 * Returns the status of each certificate except the anchor, because no authority issued it and none can revoke it. A
 * revoked certificate is reported before an unknown status.
 * @throws ERR_CERTIFICATE_REVOKED; ERR_REVOCATION_UNKNOWN with `ocsp: "require"`
 */
export async function chainStatuses(
	chain: readonly Certificate[],
	judgement: Judgement,
	sources: RevocationSources,
): Promise<CertificateStatus[]> {
	const issued = chain.slice(0, -1);
	const { at } = judgement;
	const answers = await Promise.all(issued.map((each, depth) => answersAbout(each, chain[depth + 1], at, sources)));
	const now = Date.now();
	const statuses = issued.map((each, depth) => judgeRevocation(each, answers[depth], { ...judgement, now }));
	const unknown = statuses.find(({ status }) => status === "unknown");
	if (unknown === undefined || sources.ocsp !== "require") return statuses;
	throw new SigtoolError("ERR_REVOCATION_UNKNOWN", `${unknownText(unknown)}; --crl takes its issuer's list`);
}

/**
 * Judges the chain of a signer. Warns of a pinned key, because no authority is asked about it.
 * @throws as `chainStatuses`
 */
export async function signerStatuses(
	signer: VerifiedSigner,
	judgement: Judgement,
	sources: RevocationSources,
): Promise<RevocationReport> {
	const pinned = pinnedStatuses(signer);
	const statuses = await chainStatuses(signer.chain, judgement, sources);
	const warnings = [...pinned.flatMap(({ reasons }) => reasons), ...statuses.flatMap(warningsOf)];
	return { statuses: [...pinned, ...statuses], warnings };
}

/** Returns the warnings about a status that is not good, and about sources that failed although another one decided. */
export function warningsOf(status: CertificateStatus): string[] {
	if (status.status === "unknown") return [unknownText(status)];
	const which = quote(status.certificate.subject.text);
	const failures = status.failures.map((failure) => {
		return `a source about certificate ${which} was not used: ${failure} (${status.statement?.source} decided)`;
	});
	if (status.status === "good") return failures;
	return [
		`certificate ${which} was revoked later, which takes nothing from this signature (${status.statement?.source})`,
		...failures,
	];
}

function unknownText({ certificate, reasons }: CertificateStatus): string {
	return `Cannot tell whether certificate ${quote(certificate.subject.text)} was revoked: ${reasons.join("; ")}`;
}

function pinnedStatuses({ trustedBy: { kind, label } }: VerifiedSigner): PinnedStatus[] {
	if (kind !== "pin") return [];
	const warning = `the key of ${quote(label)} is pinned: no authority is asked whether it was revoked`;
	return [{ status: "not-asked", pin: label, reasons: [warning] }];
}
