/** Judges if the certificates of a chain were revoked, by the answers of all sources about each certificate. */

import { quote, SigtoolError } from "../errors.js";
import type { Certificate } from "../pki/certificate.js";
import { type CertificateStatus, judgeRevocation, type RevocationJudgement } from "../pki/revocation.js";
import type { VerifiedSigner } from "../pki/signer-trust.js";
import { answersAbout, type RevocationSources } from "./revocation-sources.js";

export interface RevocationReport {
	/**
	 * The status of each certificate in the chain that an authority issued. If the key of the signer is pinned, a
	 * PinnedStatus comes first.
	 */
	readonly statuses: readonly SignerStatus[];
	/** Texts for the user about each status that is not `good`, and about each source that failed. */
	readonly warnings: readonly string[];
}

/** The status of a pinned key. No authority is asked about such a key, because the user alone vouches for it. */
export interface PinnedStatus {
	readonly status: "not-asked";
	/** The label of the pin in the trust policy. */
	readonly pin: string;
	readonly certificate?: undefined;
	readonly statement?: undefined;
	/** One text, the warning that no authority was asked. */
	readonly reasons: readonly string[];
}

/** The status of a certificate, or of a key that is pinned. */
export type SignerStatus = CertificateStatus | PinnedStatus;

/**
 * The time, its proof and the purpose of a judgement. `chainStatuses` adds the current time, after all sources have
 * answered.
 */
export type Judgement = Omit<RevocationJudgement, "now">;

/**
 * Returns the judgement of a signature that has no timestamp: for the time `at` if the user gave one, or else for now.
 * A time that the user gave counts as proven.
 */
export function judgementAt(at: number | undefined): Judgement {
	return { at: at ?? Date.now(), time: at === undefined ? "assumed" : "proven", purpose: "codeSigning" };
}

/**
 * Returns the status of each certificate in the chain except the last one, the trust anchor. No authority issued the
 * anchor, so none can revoke it. If one certificate is revoked and the status of another one is unknown, the error is
 * about the revoked one.
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
 * Judges the chain of a signer. If the signer's key is pinned, adds a warning, because no authority is asked about this
 * key.
 * @throws the errors of `chainStatuses`
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

/**
 * Returns the warnings about one status: that it is not `good`, or that a source failed although another source gave
 * the answer.
 */
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
