/** Signs a policy. signed-policy.ts reads what is written here. */

import { SigtoolError } from "../errors.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import { signDetached } from "../signer/sign-detached.js";
import type { Signer } from "../signer/signer.js";
import type { Policy } from "../trust/policy.js";
import { MAX_POLICY_BYTES } from "../trust/schema.js";
import { BEGIN, END, MAX_SIGNED_POLICY_BYTES, POLICY_OID, type SignedPolicy } from "../trust/signed-policy.js";
import { stampingFor } from "./stamping.js";

export interface SignPolicyOptions {
	/** The signing time in milliseconds since the epoch. */
	readonly time: number;
	readonly timestamp?: TimestampRequest | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Signs a policy with all defaults filled in. Equal policies give equal documents.
 * @throws ERR_LIMIT if the file would be too large; ERR_NETWORK, ERR_TIMESTAMP, the errors of `signDetached`
 */
export async function signPolicy(
	policy: Policy,
	signer: Signer,
	{ time, timestamp: request, signal }: SignPolicyOptions,
): Promise<{ readonly signed: SignedPolicy; readonly timestamp: NewTimestamp | undefined }> {
	const document = `${JSON.stringify(policy, null, "\t")}\n`;
	const { stamp, taken } = stampingFor(signer, request, signal);
	const pieces = await signDetached(document, signer, { contentType: POLICY_OID, time, stamp, signal });
	const signed = { document, signature: Buffer.concat(pieces) };
	if (Buffer.byteLength(document) <= MAX_POLICY_BYTES && encodeSignedPolicy(signed).length <= MAX_SIGNED_POLICY_BYTES)
		return { signed, timestamp: taken() };
	const message = `Cannot sign the policy: with all defaults it has more than ${MAX_POLICY_BYTES} bytes, or its certificates are too large`;
	throw new SigtoolError("ERR_LIMIT", message);
}

/** Returns the content of a file with a signed policy. */
export function encodeSignedPolicy({ document, signature }: SignedPolicy): string {
	const lines = Buffer.from(signature)
		.toString("base64")
		.replace(/.{64}(?=.)/g, "$&\n");
	return `${document}${BEGIN}\n${lines}\n${END}\n`;
}
