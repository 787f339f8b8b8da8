/** Signs the content of a trust index, with a timestamp if one is requested. */

import { newTimestamp } from "../formats/cat-envelope.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";
import { signIndex } from "../trust/index-encode.js";

export interface ContentSigning {
	readonly signer: Signer;
	/** The signing time in milliseconds since the epoch. The default is the present time. */
	readonly time?: number;
	readonly timestamp?: TimestampRequest;
}

/** Returns the signed index in pieces. @throws the errors of `signIndex`, ERR_NETWORK, ERR_TIMESTAMP */
export async function signContent(
	content: Uint8Array,
	{ signer, time = Date.now(), timestamp: request }: ContentSigning,
): Promise<{ readonly pieces: Uint8Array[]; readonly timestamp: NewTimestamp | undefined }> {
	if (request === undefined) return { pieces: await signIndex(content, signer, time), timestamp: undefined };
	const timestamps: NewTimestamp[] = [];
	const pieces = await signIndex(content, signer, time, async (signature) => {
		const timestamp = await newTimestamp(signature, signer.certificates[0], request);
		timestamps.push(timestamp);
		return timestamp.token;
	});
	return { pieces, timestamp: timestamps[0] };
}
