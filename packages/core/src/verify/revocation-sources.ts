/**
 * Asks all sources whether one certificate was revoked: lists that the caller gives, lists that the issuer publishes,
 * and OCSP responders. `judgeRevocation` decides what the answers mean together.
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

/** Names the sources about revocation. By default only the given lists are used, and no request is sent. */
export interface RevocationOptions {
	readonly lists?: readonly RevocationList[];
	/**
	 * `given` (the default) uses `lists` alone. `fetch` also requests the lists at the addresses in the certificates,
	 * and keeps them in the user's cache. If a status stays unknown, this is a warning.
	 */
	readonly listSource?: "given" | "fetch";
	/**
	 * `off` (the default) sends no OCSP request. `prefer` sends requests to the responders that the certificates name,
	 * and warns if a status stays unknown. `require` sends the same requests, but throws ERR_REVOCATION_UNKNOWN if a
	 * status stays unknown.
	 */
	readonly ocsp?: "require" | "prefer" | "off";
	/** The time limit of each request in milliseconds. Default 15,000, and 60,000 for lists. */
	readonly timeoutMs?: number;
}

/** The sources of one verification, and the answers that they have given so far. */
export interface RevocationSources extends RevocationOptions {
	readonly profile: Profile;
	/** Ends the requests early. */
	readonly signal: AbortSignal | undefined;
	/**
	 * The answers so far, by certificate and time of judgement. They prevent a second request about a certificate that
	 * several signatures contain.
	 */
	readonly answers: Map<string, Promise<RevocationAnswers>>;
	readonly requested: Map<string, Promise<FetchedList>>;
}

export function revocationSources(
	options: RevocationOptions,
	profile: Profile,
	signal?: AbortSignal,
): RevocationSources {
	return { ...options, profile, signal, answers: new Map(), requested: new Map() };
}

/**
 * Returns the answers of all sources about a certificate that is judged for the time `at` (milliseconds since the
 * epoch). If a source cannot answer, the answers contain its reason; this is not an error.
 * @throws ERR_CONFIG for the proxy
 */
export function answersAbout(
	certificate: Certificate,
	issuer: Certificate,
	at: number,
	sources: RevocationSources,
): Promise<RevocationAnswers> {
	// The answers depend on the time `at` only if `at` is in the future, or if the certificate has expired; see
	// `uselessness`.
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

/**
 * Returns true for the error of a list that, by its scope, is about other certificates of the same issuer. Such a list
 * has not failed.
 */
function isOutOfScope(error: unknown): boolean {
	return error instanceof SigtoolError && error.code === "ERR_CERTIFICATE_EXTENSION";
}

/**
 * Gets the answers of the lists at the addresses in the certificate. Sends no request if a list in the cache gives a
 * useful answer.
 */
async function askPublished(question: Question, sources: RevocationSources): Promise<RevocationAnswers> {
	const { profile, requested, timeoutMs, signal, listSource = "given" } = sources;
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
		return statementOfFetchedList(
			{ ...question, url },
			{ profile, requested, timeoutMs, signal, cached: cached.get(url) },
		);
	});
	return { ...fetched, statements: [...cached.values(), ...fetched.statements] };
}

async function askResponders(question: Question, sources: RevocationSources): Promise<RevocationAnswers> {
	const { profile, timeoutMs, signal, ocsp = "off" } = sources;
	if (ocsp === "off") return NOT_ASKED;
	const urls = responderUrls(question.certificate).slice(0, MAX_RESPONDERS);
	if (urls.length === 0) return { statements: [], reasons: ["it names no OCSP responder"] };
	return askInTurn(urls, question, (url) => askResponder(url, question, { profile, timeoutMs, signal }));
}

/**
 * Asks one URL after another until an answer is useful, which means that it proves the status of the certificate.
 * Returns the earlier answers too, because a revocation counts even if the list that contains it is old.
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

/**
 * Returns the reason why a source failed. @throws the error itself if it is not about this source: an ERR_CONFIG is
 * about the user's proxy, and would occur for each request
 */
function reasonFrom(error: unknown): string {
	if (!(error instanceof SigtoolError) || error.code === "ERR_CONFIG") throw error;
	return reasonOf(error);
}

const NO_LIST = "no list is of its issuer";
const NOT_ASKED: RevocationAnswers = { statements: [], reasons: [] };
/** The largest number of responders that are asked about one certificate, one after another. */
const MAX_RESPONDERS = 2;
/** The largest number of lists that are requested for one certificate, one after another. */
const MAX_LISTS = 3;
