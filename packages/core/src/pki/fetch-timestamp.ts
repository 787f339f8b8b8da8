/**
 * Requests tokens over a signature from timestamping authorities, by RFC 3161 over HTTP (§3.4). Every token is verified
 * before it is returned. The rules for a new token are stricter than those for a token in a catalog: see
 * `verifyNewToken`.
 */

import { quote, reasonOf, SigtoolError } from "../errors.js";
import { exchange } from "../system/http.js";
import type { Certificate } from "./certificate.js";
import { utc } from "./certificate-checks.js";
import { MAX_TIMESTAMP_SIZE, verifyNewToken } from "./timestamp.js";
import {
	checkTimestampRequest,
	encodeRequest,
	type NewTimestamp,
	newNonce,
	parseResponse,
	type TimestampRequest,
} from "./timestamp-request.js";

/**
 * Returns a verified token over the bytes of a signature. The token's time lies within the validity of `signer`, the
 * certificate of the signature, because a verifier judges `signer` at this time. It also lies between the request and
 * the answer by our own clock, with a tolerance of `CLOCK_TOLERANCE_MS`.
 * @throws ERR_NETWORK if every authority failed to answer with HTTP status 200; ERR_TIMESTAMP if any of them answered
 * without a valid token. The messages of these two errors give the reason for each URL. ERR_USAGE as
 * `checkTimestampRequest`; ERR_CONFIG for a malformed proxy; AbortError
 */
export async function fetchTimestamp(
	signature: Uint8Array,
	signer: Certificate,
	request: TimestampRequest,
	signal?: AbortSignal,
): Promise<NewTimestamp> {
	checkTimestampRequest(request);
	const failures: { url: string; error: SigtoolError }[] = [];
	for (const url of request.urls) {
		try {
			return await requestFrom(url, signature, signer, { ...request, signal });
		} catch (error) {
			// A mistake in the configuration, such as a malformed proxy, would make the next request fail too.
			if (!(error instanceof SigtoolError) || error.exitStatus === 2) throw error;
			failures.push({ url, error });
		}
	}
	const code = failures.every(({ error }) => error.code === "ERR_NETWORK") ? "ERR_NETWORK" : "ERR_TIMESTAMP";
	const reasons = failures.map(({ url, error }) => {
		const reason = reasonOf(error).replace(`cannot use ${quote(url)}: `, "");
		return `${quote(url)}: ${reason} [${error.code}]`;
	});
	throw new SigtoolError(code, `Cannot get a timestamp: ${reasons.join("; ")}`, { cause: failures[0]?.error });
}

async function requestFrom(
	url: string,
	signature: Uint8Array,
	signer: Certificate,
	{ anchors, deny, timeoutMs, signal }: TimestampRequest & { readonly signal: AbortSignal | undefined },
): Promise<NewTimestamp> {
	const nonce = newNonce();
	const askedAt = Date.now();
	const { status, contentType, body } = await exchange({
		url,
		body: encodeRequest(signature, nonce),
		headers: { "content-type": "application/timestamp-query", accept: REPLY_TYPE },
		maxBytes: MAX_TIMESTAMP_SIZE,
		timeoutMs,
		signal,
	});
	if (status !== 200) throw new SigtoolError("ERR_NETWORK", `Cannot use the answer: its status is ${status}`);
	if (contentType !== REPLY_TYPE) {
		throw new SigtoolError("ERR_TIMESTAMP", `Cannot use the answer: it is of type ${quote(contentType)}`);
	}
	const token = parseResponse(body);
	const { time, certificate } = verifyNewToken(token, signature, nonce, { anchors, deny, signer });
	checkClock(time, askedAt, Date.now());
	checkValidity(time, signer);
	return { token, time, authority: certificate, url };
}

/** Refuses a time before the request or after the answer by our clock, with the tolerance. @throws ERR_TIMESTAMP */
function checkClock(time: number, askedAt: number, answeredAt: number): void {
	if (time >= askedAt - CLOCK_TOLERANCE_MS && time <= answeredAt + CLOCK_TOLERANCE_MS) return;
	const times = `${utc(time)}, but the clock here says ${utc(answeredAt)}`;
	throw refusal(`its time is ${times}; they may differ by ${CLOCK_TOLERANCE_MS / 60_000} minutes`);
}

/**
 * Refuses a time at which the signer's certificate is not valid, because a verifier judges the signer at this time.
 * @throws ERR_TIMESTAMP
 */
function checkValidity(time: number, { notBefore, notAfter, subject }: Certificate): void {
	if (time >= notBefore && time <= notAfter) return;
	const validity = `valid from ${utc(notBefore)} to ${utc(notAfter)}`;
	throw refusal(`its time is ${utc(time)}, and the certificate of ${quote(subject.text)} is ${validity}`);
}

function refusal(reason: string): SigtoolError {
	return new SigtoolError("ERR_TIMESTAMP", `Cannot use the timestamp: ${reason}`);
}

/** Our clock and the time of a new token may differ by this much. */
const CLOCK_TOLERANCE_MS = 300_000;

const REPLY_TYPE = "application/timestamp-reply";
