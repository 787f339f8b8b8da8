/**
 * Asks all sources about the revocation of one certificate: given lists, lists that its issuer publishes, and OCSP
 * responders. `judgeRevocation` decides what the answers together mean.
 */

import { reasonOf, SigtoolError } from "../errors.js";
import type { Certificate } from "../pki/certificate.js";
import { type RevocationList, statementOfList } from "../pki/crl.js";
import { listUrls } from "../pki/distribution-points.js";
import { responderUrls } from "../pki/ocsp.js";
import { type RevocationAnswers, type RevocationStatement, uselessness } from "../pki/revocation.js";
import type { Profile } from "../pki/signature-algorithm.js";
import { askResponder } from "./ask-responder.js";
import { type FetchedList, statementOfCachedList, statementOfFetchedList } from "./fetch-list.js";

export interface RevocationOptions {
	readonly lists?: readonly RevocationList[];
	/**
	 * `given` (default) uses `lists` alone. `fetch` also requests the lists at the addresses in the certificates and keeps
	 * them in the user's cache. A status that stays unknown is a warning.
	 */
	readonly listSource?: "given" | "fetch";
	/**
	 * `off` (default) sends no OCSP request. `prefer` sends requests to the responders in the certificates, and warns
	 * of a status that stays unknown. `require` sends requests too, but throws ERR_REVOCATION_UNKNOWN for an unknown
	 * status.
	 */
	readonly ocsp?: "require" | "prefer" | "off";
	/** The time limit of each request in milliseconds; see `HttpRequest`. */
	readonly timeoutMs?: number;
}

/** The sources of one verification, and the answers that they have given so far. */
export interface RevocationSources extends RevocationOptions {
	readonly profile: Profile;
	/**
	 * The answers about each certificate. They make sure that the status of a certificate is requested only once, even if
	 * several signatures contain the certificate.
	 */
	readonly answers: Map<string, Promise<RevocationAnswers>>;
	readonly requested: Map<string, Promise<FetchedList>>;
}

export function revocationSources(options: RevocationOptions, profile: Profile): RevocationSources {
	return { ...options, profile, answers: new Map(), requested: new Map() };
}

/**
 * Returns the answers of all sources about a certificate, which is judged for the time `at`. A source that cannot answer
 * is a reason in the answers, not an error.
 * @throws ERR_CONFIG for the proxy
 */
export function answersAbout(
	certificate: Certificate,
	issuer: Certificate,
	at: number,
	sources: RevocationSources,
): Promise<RevocationAnswers> {
	// The time matters only if it is in the future, or if the certificate has expired; see `uselessness`.
	const now = Date.now();
	const time = at > now || now > certificate.notAfter ? at : "";
	const key = `${Buffer.from(certificate.der).toString("base64")} ${time}`;
	const answers = sources.answers.get(key) ?? askAll({ certificate, issuer, at }, sources);
	sources.answers.set(key, answers);
	return answers;
}

interface Question {
	readonly certificate: Certificate;
	readonly issuer: Certificate;
	/** The time for which the certificate is judged, in milliseconds since the epoch. */
	readonly at: number;
}

async function askAll(question: Question, sources: RevocationSources): Promise<RevocationAnswers> {
	const given = askLists(question, sources);
	const [published, responders] = await Promise.all([
		askPublished(question, sources),
		askResponders(question, sources),
	]);
	const statements = [given, published, responders].flatMap((answers) => answers.statements);
	const reasons = [given, published, responders].flatMap((answers) => answers.reasons);
	const failures = [given, published, responders].flatMap((answers) => answers.failures ?? []);
	return { statements, reasons: statements.length + reasons.length === 0 ? [NO_LIST] : reasons, failures };
}

function askLists({ certificate, issuer }: Question, { lists = [], profile }: RevocationSources): RevocationAnswers {
	const statements: RevocationStatement[] = [];
	const reasons: string[] = [];
	const failures: string[] = [];
	for (const list of lists) {
		try {
			const statement = statementOfList(list, certificate, issuer, profile);
			if (statement !== undefined) statements.push(statement);
		} catch (error) {
			reasons.push(reasonFrom(error));
			if (!isOutOfScope(error)) failures.push(reasonFrom(error));
		}
	}
	const isSilent = lists.length > 0 && statements.length + reasons.length === 0;
	return { statements, reasons: isSilent ? [NO_LIST] : reasons, failures };
}

/** Returns true if a list is about other certificates of the same issuer. Such a list has not failed. */
function isOutOfScope(error: unknown): boolean {
	return error instanceof SigtoolError && error.code === "ERR_CERTIFICATE_EXTENSION";
}

/** Uses the lists at the addresses in the certificate. Sends no request if the cache has a fresh list. */
async function askPublished(question: Question, sources: RevocationSources): Promise<RevocationAnswers> {
	const { profile, requested, timeoutMs, listSource = "given" } = sources;
	if (listSource === "given") return NOT_ASKED;
	const urls = listUrls(question.certificate).slice(0, MAX_LISTS);
	if (urls.length === 0) return { statements: [], reasons: ["it names no address of a list"] };
	const cached = new Map<string, RevocationStatement>();
	for (const url of urls) {
		const statement = statementOfCachedList({ ...question, url }, profile);
		if (statement === undefined) continue;
		cached.set(url, statement);
		if (isUseful(statement, question)) return { statements: [...cached.values()], reasons: [] };
	}
	const fetched = await askInTurn(urls, question, (url) => {
		return statementOfFetchedList({ ...question, url }, { profile, requested, timeoutMs, cached: cached.get(url) });
	});
	return { ...fetched, statements: [...cached.values(), ...fetched.statements] };
}

async function askResponders(question: Question, sources: RevocationSources): Promise<RevocationAnswers> {
	const { profile, timeoutMs, ocsp = "off" } = sources;
	if (ocsp === "off") return NOT_ASKED;
	const urls = responderUrls(question.certificate).slice(0, MAX_RESPONDERS);
	if (urls.length === 0) return { statements: [], reasons: ["it names no OCSP responder"] };
	return askInTurn(urls, question, (url) => askResponder(url, question, { profile, timeoutMs }));
}

/**
 * Asks one URL after another until an answer proves something. Returns the earlier answers too, because a revocation
 * counts however old its source is.
 */
async function askInTurn(
	urls: readonly string[],
	question: Question,
	ask: (url: string) => Promise<RevocationStatement>,
): Promise<RevocationAnswers> {
	const statements: RevocationStatement[] = [];
	const reasons: string[] = [];
	for (const url of urls) {
		try {
			const statement = await ask(url);
			statements.push(statement);
			if (isUseful(statement, question)) break;
		} catch (error) {
			reasons.push(reasonFrom(error));
		}
	}
	return { statements, reasons, failures: reasons };
}

function isUseful(statement: RevocationStatement, { certificate, at }: Question): boolean {
	return uselessness(statement, certificate, { at, now: Date.now() }) === undefined;
}

/** @throws any error that is not about the source: ERR_CONFIG is about the user's proxy, which would fail each request. */
function reasonFrom(error: unknown): string {
	if (!(error instanceof SigtoolError) || error.code === "ERR_CONFIG") throw error;
	return reasonOf(error);
}

const NO_LIST = "no list is of its issuer";
const NOT_ASKED: RevocationAnswers = { statements: [], reasons: [] };
/** Limit of the responders that get a request about one certificate, one after another. */
const MAX_RESPONDERS = 2;
/** Limit of the lists that are requested for one certificate, one after another. */
const MAX_LISTS = 3;
