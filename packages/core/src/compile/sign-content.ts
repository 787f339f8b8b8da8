/** Signs the content of a trust index, with a timestamp if one is requested. */

import { newTimestamp } from "../formats/cat-envelope.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";
import { throwIfAborted, unlessAborted } from "../system/abort.js";
import { signIndex } from "../trust/index-encode.js";

export interface ContentSigning {
	readonly signer: Signer;
	/** The signing time in milliseconds since the epoch. The default is the present time. */
	readonly time?: number;
	readonly timestamp?: TimestampRequest;
	readonly signal?: AbortSignal | undefined;
}

/** Returns the signed index in pieces. @throws the errors of `signIndex`, ERR_NETWORK, ERR_TIMESTAMP, AbortError */
export async function signContent(
	content: Uint8Array,
	{ signer, time = Date.now(), timestamp: request, signal }: ContentSigning,
): Promise<{ readonly pieces: Uint8Array[]; readonly timestamp: NewTimestamp | undefined }> {
	throwIfAborted(signal);
	if (request === undefined) {
		return {
			pieces: await unlessAborted(signal, signIndex(content, signer, time, undefined, signal)),
			timestamp: undefined,
		};
	}
	const timestamps: NewTimestamp[] = [];
	const stamp = async (signature: Uint8Array) => {
		const timestamp = await newTimestamp(signature, signer.certificates[0], request, signal);
		timestamps.push(timestamp);
		return timestamp.token;
	};
	const pieces = await unlessAborted(signal, signIndex(content, signer, time, stamp, signal));
	return { pieces, timestamp: timestamps[0] };
}
