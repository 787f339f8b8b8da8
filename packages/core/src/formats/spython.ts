/**
 * The attribute in which spython looks for a file's hash: SHA-2 of the content in lowercase hexadecimal, ASCII, no NUL
 * behind it. Whoever may write the file may write the attribute: it is a hash, never a signature.
 */

import { DIGEST_ALGORITHMS } from "../digest/algorithms.js";
import { SigtoolError } from "../errors.js";
import type { EvidenceDigest } from "../pki/signature-algorithm.js";

/** Where spython and its mkxattr keep it unless told otherwise. */
export const SPYTHON_ATTRIBUTE = "user.org.python.x-spython-hash";

export interface SpythonHash {
	readonly algorithm: EvidenceDigest;
	readonly digest: Uint8Array;
}

export function encodeSpythonHash(digest: Uint8Array): Uint8Array {
	algorithmOf(digest);
	return Buffer.from(Buffer.from(digest).toString("hex"), "latin1");
}

/** Nothing but the digits; their number tells the algorithm. @throws ERR_ATTRIBUTE_FORMAT */
export function parseSpythonHash(value: Uint8Array): SpythonHash {
	if (value.length > MAX_DIGITS) throw malformed(`it has ${value.length} octets, more than ${MAX_DIGITS}`);
	const text = Buffer.from(value).toString("latin1");
	if (!/^(?:[0-9a-f]{2})+$/.test(text)) throw malformed("it is not lowercase hexadecimal alone");
	const digest = Buffer.from(text, "hex");
	return { algorithm: algorithmOf(digest), digest };
}

function algorithmOf({ length }: Uint8Array): EvidenceDigest {
	const algorithm = ALGORITHMS.find((name) => DIGEST_ALGORITHMS[name].sizeBytes === length);
	if (algorithm === undefined) throw malformed(`no accepted digest has ${length} octets`);
	return algorithm;
}

function malformed(reason: string): SigtoolError {
	return new SigtoolError("ERR_ATTRIBUTE_FORMAT", `Cannot use spython hash: ${reason}`);
}

const ALGORITHMS = ["sha256", "sha384", "sha512"] as const;
const MAX_DIGITS = 128;
