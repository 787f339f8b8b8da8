/**
 * Parses the attribute in which spython expects a file's hash: the SHA-2 of the content in lower-case
 * hexadecimal ASCII without a NUL. Everyone who can write to the file can write the attribute, so it is no signature.
 */

import { DIGEST_ALGORITHMS } from "../digest/algorithms.js";
import { SigtoolError } from "../errors.js";
import type { EvidenceDigest } from "../pki/signature-algorithm.js";

/** The default name of the attribute in spython and its tool mkxattr. */
export const SPYTHON_ATTRIBUTE = "user.org.python.x-spython-hash";

export interface SpythonHash {
	readonly algorithm: EvidenceDigest;
	readonly digest: Uint8Array;
}

/**
 * Parses a value that consists of hexadecimal digits. Their number determines the algorithm.
 * @throws ERR_ATTRIBUTE_FORMAT
 */
export function parseSpythonHash(value: Uint8Array): SpythonHash {
	if (value.length > MAX_DIGITS) throw malformed(`it has ${value.length} bytes, more than ${MAX_DIGITS}`);
	const text = Buffer.from(value).toString("latin1");
	if (!/^(?:[0-9a-f]{2})+$/.test(text)) throw malformed("it is not lowercase hexadecimal alone");
	const digest = Buffer.from(text, "hex");
	return { algorithm: algorithmOf(digest), digest };
}

function algorithmOf({ length }: Uint8Array): EvidenceDigest {
	const algorithm = ALGORITHMS.find((name) => DIGEST_ALGORITHMS[name].sizeBytes === length);
	if (algorithm === undefined) throw malformed(`no accepted digest has ${length} bytes`);
	return algorithm;
}

function malformed(reason: string): SigtoolError {
	return new SigtoolError("ERR_ATTRIBUTE_FORMAT", `Cannot use spython hash: ${reason}`);
}

const ALGORITHMS = ["sha256", "sha384", "sha512"] as const;
const MAX_DIGITS = 128;
