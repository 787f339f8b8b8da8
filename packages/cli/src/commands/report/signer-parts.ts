/** Shows who signed, by which chain of certificates, and when. */

import type {
	Certificate,
	InspectedCertificate,
	InspectedSigner,
	JudgedTime,
	SignerStatus,
	VerifiedSigner,
} from "@sigtool/core";
import { spkiSha256 } from "@sigtool/core";
import { escaped } from "../../output/output.js";
import { revocationRows } from "../../output/render.js";
import { timeText } from "../../page/text.js";
import { type Html, html } from "./html.js";
import { code, factList, moment, table } from "./parts.js";

/** Shows the chain that was verified, from the trusted end down to the signer. */
export function trustedChain({ chain, leaf, spkiSha256: pin, trustedBy, development }: VerifiedSigner): Html {
	const label = `trusted by ${trustedBy.kind === "pin" ? "its pinned key" : "its authority"} ${escaped(trustedBy.label)}`;
	const links = chain.map((certificate, index) =>
		link(certificateOf(certificate), index === 0, chain.length - 1 - index),
	);
	const bare = html`<li class="link signer"><p class="role">Signer</p><p class="subject">The key alone is trusted</p>${factList(
		[
			["Certificate that came along", escaped(leaf.subject.text)],
			["Key (SHA-256)", code(pin)],
		],
	)}</li>`;
	return html`<p class="trust">${development ? "A development identity signed this. Other machines do not trust it. It is " : "The signer is "}${label}.</p><ol class="chain">${links.length === 0 ? bare : links.reverse()}</ol>`;
}

/** Shows the certificates that came with a signature. Nobody verified them. */
export function claimedChain(certificates: readonly InspectedCertificate[], signers: readonly InspectedSigner[]): Html {
	if (signers.length === 0) return html`<p class="trust">Nobody signed this.</p>`;
	const links = certificates.map((certificate) => link(certificate, certificate.signer, 0));
	return html`<p class="trust">Not verified. This is what the signature claims.</p><ol class="chain claimed">${links.reverse()}</ol>`;
}

type Shown = Pick<InspectedCertificate, "subject" | "issuer" | "notBefore" | "notAfter" | "spkiSha256" | "development">;

function certificateOf(certificate: Certificate): Shown {
	const { subject, issuer, notBefore, notAfter } = certificate;
	const facts = { notBefore, notAfter, spkiSha256: spkiSha256(certificate), development: false };
	return { subject: subject.text, issuer: issuer.text, ...facts };
}

function link(
	{ subject, issuer, notBefore, notAfter, spkiSha256, development }: Shown,
	isLeaf: boolean,
	above: number,
): Html {
	const isOwn = subject === issuer;
	const role = isLeaf ? "Signer" : isOwn || above === 0 ? "Authority" : "Intermediate";
	return html`<li class="link ${isLeaf ? "signer" : "issuer"}"><p class="role">${role}${development ? ", development identity" : ""}</p><p class="subject">${escaped(subject)}</p>${factList(
		[
			["Issued by", isOwn ? "itself" : escaped(issuer)],
			["Valid", html`${moment(notBefore)} to ${moment(notAfter)}`],
			["Key (SHA-256)", code(spkiSha256)],
		],
	)}</li>`;
}

/** Says for which time the signer was judged, and shows the timestamps as they claim to be. */
export function timeParts(
	judgedAt: JudgedTime | undefined,
	signers: readonly Pick<InspectedSigner, "timestamps">[],
): Html {
	const claims = signers.flatMap(({ timestamps }) => timestamps);
	const rows = claims.map(({ kind, time, signer, problem }) => {
		const isUsed = judgedAt?.authority !== undefined && time === judgedAt.at;
		const state = problem !== undefined ? escaped(problem) : isUsed ? "verified, and it counts" : "not used";
		const authority = escaped(signer ?? "not named");
		return [KINDS[kind], time === undefined ? "not readable" : moment(time), authority, state];
	});
	const columns = [["Kind"], ["Time"], ["Authority", "name"], ["State"]] as const;
	return html`<p>${judgedText(judgedAt)}</p>${rows.length === 0 ? undefined : table({ caption: "Timestamps on the signature", columns, rows })}`;
}

const KINDS = { rfc3161: "RFC 3161", countersignature: "Countersignature" } as const;

function judgedText(judgedAt: JudgedTime | undefined): string {
	if (judgedAt === undefined) return "No time was judged, because the signature does not verify.";
	const time = timeText(judgedAt.at);
	if (judgedAt.authority !== undefined) {
		return `A timestamp of ${escaped(judgedAt.authority)} proves that the signature existed at ${time}. The certificates were judged for that time.`;
	}
	const reason = judgedAt.without === undefined ? "" : ` ${REASONS[judgedAt.without]}`;
	const source = judgedAt.source === "given" ? "the time that was given" : "the moment of this report";
	return `The certificates were judged for ${time}, ${source}.${reason}`;
}

const REASONS = {
	"no-timestamp": "The signature has no timestamp, so it fails when the signer's certificate ends.",
	"unusable-timestamp": "The timestamp of the signature does not verify.",
	"lifetime-signing": "The signer's certificate does not let a timestamp extend its validity.",
} as const;

/** Shows what revocation lists and responders say of each certificate, if they were asked. */
export function revocationPart(statuses: readonly SignerStatus[] | undefined): Html | undefined {
	if (statuses === undefined) return undefined;
	const items = revocationRows(statuses).map(([, text]) => html`<li>${text}</li>`);
	return html`<h3>Revocation</h3><ul>${items}</ul>`;
}
