/**
 * Requests tokens over a signature from timestamping authorities, by RFC 3161 over HTTP (§3.4). Every token is verified
 * before it is used. The rules are stricter than for a token that is read from a signature: see `verifyNewToken`.
 */

import { quote, reasonOf, SigtoolError } from "../errors.js";
import { exchange } from "../system/http.js";
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
 * Returns a verified token over the bytes of a signature.
 * @throws ERR_NETWORK if no authority can be reached; ERR_TIMESTAMP if an authority answered without a valid token.
 * Both messages give the reason for each URL. ERR_USAGE as `checkTimestampRequest`
 */
export async function fetchTimestamp(signature: Uint8Array, request: TimestampRequest): Promise<NewTimestamp> {
	checkTimestampRequest(request);
	const failures: { url: string; error: SigtoolError }[] = [];
	for (const url of request.urls) {
		try {
			return await requestFrom(url, signature, request);
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
	{ anchors, deny, timeoutMs }: TimestampRequest,
): Promise<NewTimestamp> {
	const nonce = newNonce();
	const { status, contentType, body } = await exchange({
		url,
		body: encodeRequest(signature, nonce),
		headers: { "content-type": "application/timestamp-query", accept: REPLY_TYPE },
		maxBytes: MAX_TIMESTAMP_SIZE,
		timeoutMs,
	});
	if (status !== 200) throw new SigtoolError("ERR_NETWORK", `Cannot use the answer: its status is ${status}`);
	if (contentType !== REPLY_TYPE) {
		throw new SigtoolError("ERR_TIMESTAMP", `Cannot use the answer: it is of type ${quote(contentType)}`);
	}
	const token = parseResponse(body);
	const { time, certificate } = verifyNewToken(token, signature, nonce, { anchors, deny });
	return { token, time, authority: certificate, url };
}

const REPLY_TYPE = "application/timestamp-reply";
