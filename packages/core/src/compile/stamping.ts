/** Gets a timestamp in the middle of signing, and keeps it for the report. */

import { newTimestamp } from "../formats/cat-envelope.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";

export interface Stamping {
	/** Returns the timestamp token of a signature. Undefined if no timestamp is requested. */
	readonly stamp: ((signature: Uint8Array) => Promise<Uint8Array>) | undefined;
	/** Returns the timestamp that `stamp` got. */
	taken(): NewTimestamp | undefined;
}

/** Prepares the timestamp of one signature. `stamp` throws what `newTimestamp` throws. */
export function stampingFor(
	signer: Signer,
	request: TimestampRequest | undefined,
	signal: AbortSignal | undefined,
): Stamping {
	let timestamp: NewTimestamp | undefined;
	const stamp =
		request &&
		(async (signature: Uint8Array) => {
			timestamp = await newTimestamp(signature, signer.certificates[0], request, signal);
			return timestamp.token;
		});
	return { stamp, taken: () => timestamp };
}
