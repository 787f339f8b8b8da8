/**
 * Fetches revocation lists from the addresses in certificates (RFC 5280 §4.2.1.13), and keeps the lists in the user's
 * cache.
 *
 * A list counts only for certificates that name its address. Each time a list is used, fetched or cached, its signature
 * by the key of the certificate's issuer is verified.
 */

import { quote, reasonOf, SigtoolError } from "../errors.js";
import type { Certificate } from "../pki/certificate.js";
import { type RevocationList, revocationListsFromFileBytes, statementOfList } from "../pki/crl.js";
import { unusable } from "../pki/ocsp-response.js";
import { type RevocationStatement, SKEW_MS } from "../pki/revocation.js";
import type { Profile } from "../pki/signature-algorithm.js";
import { exchange } from "../system/http.js";
import { cacheList, MAX_LIST_BYTES, readCachedList } from "./list-cache.js";

export interface FetchOptions {
	readonly profile: Profile;
	/**
	 * The time limit of each request in milliseconds, as `HttpRequest.timeoutMs`. The default is a minute, because
	 * lists can be large.
	 */
	readonly timeoutMs: number | undefined;
	readonly signal: AbortSignal | undefined;
	/**
	 * The statement of the cached list about the certificate. Undefined if the cache has no list for the URL that
	 * verifies.
	 */
	readonly cached: RevocationStatement | undefined;
	/**
	 * The lists that this verification has already requested, by URL. They prevent a second request for the same list.
	 */
	readonly requested: Map<string, Promise<FetchedList>>;
}

/** The list in one answer of a server. Its signature is not verified yet. */
export interface FetchedList {
	readonly bytes: Uint8Array;
	readonly list: RevocationList;
	/** True if this list has been written to the cache. */
	isCached: boolean;
}

/** A certificate, its issuer, and one URL from the certificate at which the issuer publishes a revocation list. */
export interface ListQuestion {
	readonly url: string;
	readonly certificate: Certificate;
	readonly issuer: Certificate;
}

/**
 * Returns the statement of the cached list about the certificate, or undefined if the cache has no list for the URL
 * that verifies. The list may be outdated.
 */
export function statementOfCachedList(question: ListQuestion, profile: Profile): RevocationStatement | undefined {
	const bytes = readCachedList(question.url);
	if (bytes === undefined) return undefined;
	try {
		return statementIn(parseOnlyList(bytes, `${quote(question.url)}, cached`), question, profile);
	} catch (error) {
		if (error instanceof SigtoolError) return undefined; // The caller requests the list, and the answer replaces this one.
		throw error;
	}
}

/**
 * Returns the statement of the list at the URL about the certificate. Writes the list to the cache if it verifies and
 * is of use later: its next update is in the future, or it revokes the certificate.
 *
 * An attacker who answers in the place of the server can send an old list, from the time before a revocation. So if the
 * fetched list is older than the cached list, it is not cached, and it does not prove that the certificate is good. But
 * a revocation in such a list counts.
 * @throws ERR_NETWORK, ERR_LIMIT, ERR_USAGE for the URL; ERR_CONFIG for the proxy; ERR_REVOCATION_UNKNOWN, with the
 * URL, if the answer cannot be used
 */
export async function statementOfFetchedList(
	question: ListQuestion,
	options: FetchOptions,
): Promise<RevocationStatement> {
	const { url } = question;
	const request = options.requested.get(url) ?? requestList(url, options);
	options.requested.set(url, request);
	const fetched = await request;
	const statement = asUnknown(url, () => statementIn(fetched.list, question, options.profile));
	if (isReplay(statement, options.cached)) {
		if (statement.status === "revoked") return statement;
		throw new SigtoolError("ERR_REVOCATION_UNKNOWN", `list ${quote(url)}: it is older than the list in the cache`);
	}
	const isFresh = statement.nextUpdate !== undefined && statement.nextUpdate > Date.now();
	if ((isFresh || statement.status === "revoked") && !fetched.isCached) {
		cacheList(url, fetched.bytes);
		fetched.isCached = true;
	}
	return statement;
}

/**
 * Returns true if a fetched list is older than the cached one. A cached list that is dated in the future is ignored
 * here: an issuer with a wrong clock can make one, and all later lists would count as older until that date.
 */
function isReplay({ thisUpdate }: RevocationStatement, cached: RevocationStatement | undefined): boolean {
	return cached !== undefined && thisUpdate < cached.thisUpdate && cached.thisUpdate <= Date.now() + SKEW_MS;
}

async function requestList(
	url: string,
	{ timeoutMs = LIST_TIMEOUT_MS, signal }: Pick<FetchOptions, "timeoutMs" | "signal">,
): Promise<FetchedList> {
	const { status, body } = await exchange({ url, maxBytes: MAX_LIST_BYTES, timeoutMs, signal });
	return asUnknown(url, () => {
		if (status !== 200) throw unusable(`its status is ${status}`);
		return { bytes: body, list: parseOnlyList(body, quote(url)), isCached: false };
	});
}

/**
 * Parses a file with exactly one list. RFC 5280 wants the list in DER, but some authorities send PEM, so both are
 * accepted.
 * @throws ERR_REVOCATION_UNKNOWN, and the errors of `revocationListsFromFileBytes`
 */
function parseOnlyList(bytes: Uint8Array, name: string): RevocationList {
	const [list, ...others] = revocationListsFromFileBytes(bytes, name);
	if (list === undefined) throw unusable("it is no revocation list");
	if (others.length > 0) throw unusable("it has more than one revocation list");
	return list;
}

function statementIn(
	list: RevocationList,
	{ certificate, issuer }: ListQuestion,
	profile: Profile,
): RevocationStatement {
	const statement = statementOfList(list, certificate, issuer, profile);
	if (statement === undefined) throw unusable(`it is a list of ${quote(list.issuer.text)}, another issuer`);
	return statement;
}

/** Runs `read`. If `read` throws a SigtoolError, throws an ERR_REVOCATION_UNKNOWN that names the URL. */
function asUnknown<T>(url: string, read: () => T): T {
	try {
		return read();
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		const reason = reasonOf(error).replace(`cannot use revocation list ${quote(url)}: `, "");
		throw new SigtoolError("ERR_REVOCATION_UNKNOWN", `list ${quote(url)}: ${reason}`, { cause: error });
	}
}

const LIST_TIMEOUT_MS = 60_000;
