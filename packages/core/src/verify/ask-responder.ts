/** Asks an OCSP responder for the status of one certificate, by HTTP POST. RFC 6960 appendix A. */

import { randomBytes } from "node:crypto";
import { quote, reasonOf, SigtoolError } from "../errors.js";
import { encodeOcspRequest, MAX_OCSP_RESPONSE_SIZE, type StatusQuestion, statementOfResponse } from "../pki/ocsp.js";
import type { RevocationStatement } from "../pki/revocation.js";
import type { Profile } from "../pki/signature-algorithm.js";
import { exchange } from "../system/http.js";

export interface ResponderOptions {
	readonly profile: Profile;
	/** The time limit of the request in milliseconds, as `HttpRequest.timeoutMs`. */
	readonly timeoutMs: number | undefined;
	readonly signal: AbortSignal | undefined;
}

/**
 * Returns the answer of the responder at a URL, after the signature of the answer has been verified.
 * @throws ERR_REVOCATION_UNKNOWN, with the URL, if the answer cannot be used; ERR_NETWORK, ERR_LIMIT, ERR_USAGE;
 * ERR_CONFIG for the proxy
 */
export async function askResponder(
	url: string,
	{ certificate, issuer }: Omit<StatusQuestion, "nonce">,
	{ profile, timeoutMs, signal }: ResponderOptions,
): Promise<RevocationStatement> {
	const question = { certificate, issuer, nonce: randomBytes(32) };
	const headers = { "content-type": "application/ocsp-request", accept: REPLY_TYPE };
	const body = encodeOcspRequest(question);
	const response = await exchange({ url, body, headers, maxBytes: MAX_OCSP_RESPONSE_SIZE, timeoutMs, signal });
	const source = `responder ${quote(url)}`;
	const refuse = (reason: string) => new SigtoolError("ERR_REVOCATION_UNKNOWN", `${source}: ${reason}`);
	if (response.status !== 200) throw refuse(`its status is ${response.status}`);
	if (response.contentType !== REPLY_TYPE) throw refuse(`its answer is of type ${quote(response.contentType)}`);
	try {
		return statementOfResponse(response.body, question, { source, now: Date.now(), profile });
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		throw refuse(reasonOf(error));
	}
}

const REPLY_TYPE = "application/ocsp-response";
