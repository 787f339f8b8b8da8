/** Checks the certificates of verified catalogs for revocation, by given lists and by OCSP requests. */

import { randomBytes } from "node:crypto";
import { quote, reasonOf, SigtoolError } from "../errors.js";
import { type Certificate, spkiSha256 } from "../pki/certificate.js";
import { type RevocationList, statementOfList } from "../pki/crl.js";
import { encodeOcspRequest, MAX_OCSP_RESPONSE_SIZE, responderUrls, statementOfResponse } from "../pki/ocsp.js";
import {
	type CertificateStatus,
	judgeRevocation,
	type RevocationAnswers,
	type RevocationJudgement,
	type RevocationStatement,
} from "../pki/revocation.js";
import type { Profile } from "../pki/signature-algorithm.js";
import { exchange } from "../system/http.js";
import { type UsedCatalog, verifyNamed } from "./used-catalog.js";
import type { CatalogVerifyOptions } from "./verify-catalog.js";

export interface RevocationOptions {
	readonly lists?: readonly RevocationList[];
	/**
	 * `off` (default) sends no OCSP request. `prefer` sends requests to the responders in the certificates, and warns
	 * of a status that stays unknown. `require` sends requests too, but throws ERR_REVOCATION_UNKNOWN for an unknown
	 * status.
	 */
	readonly ocsp?: "require" | "prefer" | "off";
	/** The time limit of each request in milliseconds; see `HttpRequest`. */
	readonly timeoutMs?: number;
}

interface CheckOptions extends CatalogVerifyOptions {
	readonly revocation?: RevocationOptions;
}

/**
 * Returns the catalogs with the revocation status of every certificate that an authority issued. If a certificate of a
 * timestamp's authority is revoked, the timestamp is dropped and the signer is judged without it.
 * @throws ERR_CERTIFICATE_REVOKED; ERR_REVOCATION_UNKNOWN with `ocsp: "require"`; the errors of `verifyCatalog`
 */
export async function checkRevocation(catalogs: readonly UsedCatalog[], options: CheckOptions): Promise<UsedCatalog[]> {
	const { revocation = {}, profile = "default" } = options;
	const sources: Sources = { ...revocation, profile, answers: new Map() };
	const checked: UsedCatalog[] = [];
	for (const each of catalogs) {
		const { catalog, statuses } = await withSoundTimestamp(each, sources, options);
		const { signer, judgedAt } = catalog;
		const time = judgedAt.source === "now" ? "assumed" : "proven";
		const judgement = { at: judgedAt.at, time, purpose: "codeSigning" } as const;
		const revocation = [...(await statusesOf(signer.chain, judgement, sources)), ...statuses];
		const pinned = signer.trustedBy.kind === "pin" ? [pinnedWarning(signer.trustedBy)] : [];
		const warnings = [...catalog.warnings, ...pinned, ...revocation.flatMap(warningsOf)];
		checked.push({ ...catalog, revocation, warnings });
	}
	return checked;
}

interface Sources extends RevocationOptions {
	readonly profile: Profile;
	/**
	 * The answers by the certificate's DER in base64. They make sure that the status of a certificate is requested only
	 * once, even if several catalogs contain the certificate.
	 */
	readonly answers: Map<string, Promise<RevocationAnswers>>;
}

async function withSoundTimestamp(
	catalog: UsedCatalog,
	sources: Sources,
	options: CheckOptions,
): Promise<{ catalog: UsedCatalog; statuses: CertificateStatus[] }> {
	const refusedAuthorities = new Map<string, SigtoolError>();
	for (let judged = catalog; ; ) {
		const { timestamp, judgedAt, file, bytes } = judged;
		if (timestamp === undefined) return { catalog: judged, statuses: [] };
		try {
			const judgement = { at: judgedAt.at, time: "proven", purpose: "timeStamping" } as const;
			return { catalog: judged, statuses: await statusesOf(timestamp.chain.certificates, judgement, sources) };
		} catch (error) {
			if (!(error instanceof SigtoolError) || error.code !== "ERR_CERTIFICATE_REVOKED") throw error;
			refusedAuthorities.set(spkiSha256(timestamp.certificate), error);
			judged = { file, bytes, ...verifyNamed(file, bytes, { ...options, refusedAuthorities }) };
		}
	}
}

/**
 * Returns the status of each certificate except the anchor, because no authority issued it and none can revoke it. A
 * revoked certificate is reported before an unknown status.
 */
async function statusesOf(
	chain: readonly Certificate[],
	judgement: Omit<RevocationJudgement, "now">,
	sources: Sources,
): Promise<CertificateStatus[]> {
	const issued = chain.slice(0, -1);
	const answers = await Promise.all(issued.map((each, depth) => answersAbout(each, chain[depth + 1], sources)));
	const now = Date.now();
	const statuses = issued.map((each, depth) => judgeRevocation(each, answers[depth], { ...judgement, now }));
	const unknown = statuses.find(({ status }) => status === "unknown");
	if (unknown === undefined || sources.ocsp !== "require") return statuses;
	throw new SigtoolError("ERR_REVOCATION_UNKNOWN", `${unknownText(unknown)}; --crl takes its issuer's list`);
}

function answersAbout(certificate: Certificate, issuer: Certificate, sources: Sources): Promise<RevocationAnswers> {
	const key = Buffer.from(certificate.der).toString("base64");
	const answers = sources.answers.get(key) ?? askSources(certificate, issuer, sources);
	sources.answers.set(key, answers);
	return answers;
}

async function askSources(certificate: Certificate, issuer: Certificate, sources: Sources): Promise<RevocationAnswers> {
	const { lists = [], ocsp = "off", profile } = sources;
	const statements: RevocationStatement[] = [];
	const reasons: string[] = [];
	for (const list of lists) {
		try {
			const statement = statementOfList(list, certificate, issuer, profile);
			if (statement !== undefined) statements.push(statement);
		} catch (error) {
			reasons.push(reasonFrom(error));
		}
	}
	const urls = ocsp === "off" ? [] : responderUrls(certificate);
	if (statements.length === 0 && urls.length === 0) {
		reasons.push(ocsp === "off" ? "no list is of its issuer" : "it names no OCSP responder");
	}
	for (const url of urls.slice(0, MAX_RESPONDERS)) {
		try {
			return { statements: [...statements, await askResponder(url, certificate, issuer, sources)], reasons };
		} catch (error) {
			reasons.push(reasonFrom(error));
		}
	}
	return { statements, reasons };
}

async function askResponder(
	url: string,
	certificate: Certificate,
	issuer: Certificate,
	{ profile, timeoutMs }: Sources,
): Promise<RevocationStatement> {
	const question = { certificate, issuer, nonce: randomBytes(32) };
	const headers = { "content-type": "application/ocsp-request", accept: REPLY_TYPE };
	const body = encodeOcspRequest(question);
	const response = await exchange({ url, body, headers, maxBytes: MAX_OCSP_RESPONSE_SIZE, timeoutMs });
	const source = `responder ${quote(url)}`;
	const refuse = (reason: string) => new SigtoolError("ERR_REVOCATION_UNKNOWN", `${source}: ${reason}`);
	if (response.status !== 200) throw refuse(`its status is ${response.status}`);
	if (response.contentType !== REPLY_TYPE) throw refuse(`its answer is of type ${quote(response.contentType)}`);
	try {
		return statementOfResponse(response.body, question, { source, now: Date.now(), profile });
	} catch (error) {
		throw refuse(reasonFrom(error));
	}
}

function reasonFrom(error: unknown): string {
	if (!(error instanceof SigtoolError)) throw error;
	return reasonOf(error);
}

function warningsOf(status: CertificateStatus): string[] {
	if (status.status === "good") return [];
	if (status.status === "unknown") return [unknownText(status)];
	const which = quote(status.certificate.subject.text);
	return [
		`certificate ${which} was revoked later, which takes nothing from this signature (${status.statement?.source})`,
	];
}

function unknownText({ certificate, reasons }: CertificateStatus): string {
	return `Cannot tell whether certificate ${quote(certificate.subject.text)} was revoked: ${reasons.join("; ")}`;
}

function pinnedWarning({ label }: { readonly label: string }): string {
	return `the key of ${quote(label)} is pinned: no authority is asked whether it was revoked`;
}

const REPLY_TYPE = "application/ocsp-response";
/** Limit of the responders that get a request about one certificate, one after another. */
const MAX_RESPONDERS = 2;
