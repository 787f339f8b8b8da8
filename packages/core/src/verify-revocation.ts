/** Whether the certificates behind verified catalogs were revoked, by lists that were given and responders that are asked. */

import { randomBytes } from "node:crypto";
import { quote, reasonOf, SigtoolError } from "./errors.js";
import { exchange } from "./http.js";
import { type Certificate, spkiSha256 } from "./pki/certificate.js";
import { statementOfList } from "./pki/crl.js";
import { encodeOcspRequest, MAX_OCSP_RESPONSE_SIZE, responderUrls, statementOfResponse } from "./pki/ocsp.js";
import { type CertificateStatus, judgeRevocation, type RevocationStatement } from "./pki/revocation.js";
import type { Profile } from "./pki/signature-algorithm.js";
import type { RevocationOptions, VerifyOptions } from "./verification.js";
import { type UsedCatalog, verifyNamed } from "./verify-sources.js";

/**
 * The catalogs with what is known of every certificate that an authority issued. A timestamp whose authority was revoked
 * is not used, and the signer judged without it.
 * @throws ERR_CERTIFICATE_REVOKED; ERR_REVOCATION_UNKNOWN with `ocsp: "require"`; what `verifyCatalog` throws
 */
export async function checkRevocation(
	catalogs: readonly UsedCatalog[],
	options: VerifyOptions,
): Promise<UsedCatalog[]> {
	const { revocation = {}, profile = "default" } = options;
	const sources: Sources = { ...revocation, profile, answers: new Map() };
	const checked: UsedCatalog[] = [];
	for (const each of catalogs) {
		const { catalog, statuses } = await withSoundTimestamp(each, sources, options);
		const { signer, judgedAt } = catalog;
		const revocation = [...(await statusesOf(signer.chain, judgedAt.at, "codeSigning", sources)), ...statuses];
		const pinned = signer.trustedBy.kind === "pin" ? [pinnedWarning(signer.certificate)] : [];
		const warnings = [...catalog.warnings, ...pinned, ...revocation.flatMap(warningsOf)];
		checked.push({ ...catalog, revocation, warnings });
	}
	return checked;
}

interface Sources extends RevocationOptions {
	readonly profile: Profile;
	/** By the octets of the certificate, in base64: each is asked about once, however many catalogs have it. */
	readonly answers: Map<string, Promise<Answers>>;
}

/** What sources say of a certificate, and why others say nothing. */
interface Answers {
	readonly statements: readonly RevocationStatement[];
	readonly reasons: readonly string[];
}

async function withSoundTimestamp(
	catalog: UsedCatalog,
	sources: Sources,
	options: VerifyOptions,
): Promise<{ catalog: UsedCatalog; statuses: CertificateStatus[] }> {
	const refusedAuthorities = new Map<string, SigtoolError>();
	for (let judged = catalog; ; ) {
		const { timestamp, judgedAt, file, octets } = judged;
		if (timestamp === undefined) return { catalog: judged, statuses: [] };
		try {
			const { certificates } = timestamp.chain;
			return { catalog: judged, statuses: await statusesOf(certificates, judgedAt.at, "timeStamping", sources) };
		} catch (error) {
			if (!(error instanceof SigtoolError) || error.code !== "ERR_CERTIFICATE_REVOKED") throw error;
			refusedAuthorities.set(spkiSha256(timestamp.certificate), error);
			judged = { file, octets, ...verifyNamed(file, octets, { ...options, refusedAuthorities }) };
		}
	}
}

/** Of every certificate of a chain but its anchor, which nobody issued. */
async function statusesOf(
	chain: readonly Certificate[],
	at: number,
	purpose: "codeSigning" | "timeStamping",
	sources: Sources,
): Promise<CertificateStatus[]> {
	const questions = chain.slice(0, -1).map(async (certificate, depth): Promise<CertificateStatus> => {
		const { statements, reasons } = await answersAbout(certificate, chain[depth + 1], sources);
		const status = judgeRevocation(certificate, statements, reasons, { at, now: Date.now(), purpose });
		if (status.status !== "unknown" || sources.ocsp !== "require") return status;
		throw new SigtoolError("ERR_REVOCATION_UNKNOWN", `${unknownText(status)}; --crl takes its issuer's list`);
	});
	return Promise.all(questions);
}

function answersAbout(certificate: Certificate, issuer: Certificate, sources: Sources): Promise<Answers> {
	const key = Buffer.from(certificate.der).toString("base64");
	const answers = sources.answers.get(key) ?? askSources(certificate, issuer, sources);
	sources.answers.set(key, answers);
	return answers;
}

async function askSources(certificate: Certificate, issuer: Certificate, sources: Sources): Promise<Answers> {
	const { lists = [], ocsp = "off", profile } = sources;
	const statements: RevocationStatement[] = [];
	const reasons: string[] = [];
	for (const list of lists) {
		const statement = orReason(reasons, () => statementOfList(list, certificate, issuer, profile));
		if (statement !== undefined) statements.push(statement);
	}
	if (ocsp === "off")
		return { statements, reasons: statements.length > 0 ? reasons : [...reasons, "no list is of its issuer"] };
	const urls = responderUrls(certificate).slice(0, MAX_RESPONDERS);
	if (urls.length === 0) reasons.push("it names no OCSP responder");
	for (const url of urls) {
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

function orReason<T>(reasons: string[], ask: () => T): T | undefined {
	try {
		return ask();
	} catch (error) {
		reasons.push(reasonFrom(error));
		return undefined;
	}
}

function reasonFrom(error: unknown): string {
	if (!(error instanceof SigtoolError)) throw error;
	return reasonOf(error);
}

function warningsOf({ certificate, status, statement, ...rest }: CertificateStatus): string[] {
	if (status === "unknown") return [unknownText({ certificate, status, ...rest })];
	if (status === "good") return [];
	return [
		`certificate ${quote(certificate.subject.text)} was revoked later, which takes nothing from this signature (${statement?.source})`,
	];
}

function unknownText({ certificate, reasons }: CertificateStatus): string {
	return `Cannot tell whether certificate ${quote(certificate.subject.text)} was revoked: ${reasons.join("; ")}`;
}

function pinnedWarning({ subject }: Certificate): string {
	return `the key of ${quote(subject.text)} is pinned: no authority is asked whether it was revoked`;
}

const REPLY_TYPE = "application/ocsp-response";
/** Asked in turn, of those that one certificate names. */
const MAX_RESPONDERS = 2;
