/** Signs the content of a trust index, with a timestamp if one is requested. */

import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";
import { signIndex } from "../trust/index-encode.js";
import { stampingFor } from "./stamping.js";

export interface ContentSigning {
	readonly signer: Signer;
	/** The signing time in milliseconds since the epoch. The default is the present time. */
	readonly time?: number;
	readonly timestamp?: TimestampRequest;
	readonly signal?: AbortSignal | undefined;
}

/** Returns the signed index in pieces. @throws the errors of `signIndex`, ERR_NETWORK, ERR_TIMESTAMP */
export async function signContent(
	content: Uint8Array,
	{ signer, time = Date.now(), timestamp: request, signal }: ContentSigning,
): Promise<{ readonly pieces: Uint8Array[]; readonly timestamp: NewTimestamp | undefined }> {
	const { stamp, taken } = stampingFor(signer, request, signal);
	const pieces = await signIndex(content, signer, time, stamp, signal);
	return { pieces, timestamp: taken() };
}
