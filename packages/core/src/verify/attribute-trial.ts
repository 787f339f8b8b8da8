/**
 * Judges one attribute of one file. The attribute's value is parsed before the content of the file is read. The content
 * is hashed while it is read, and the verdict follows after the last piece.
 */

import { createHash } from "node:crypto";
import type { DigestAlgorithm } from "../digest/algorithms.js";
import { createFsverityHasher } from "../digest/fsverity.js";
import { type ErrorCode, SigtoolError } from "../errors.js";
import type { AttributeFormat } from "../formats/attribute-format.js";
import { createCrossSignatureCheck } from "../formats/cross-signature.js";
import { type EvmSubject, evmPortableMessage, parseEvm } from "../formats/evm.js";
import { IMA_ATTRIBUTE, parseIma, type VeritySignature, verityMessage } from "../formats/ima.js";
import { type IntegritySignature, requireEvidence } from "../formats/integrity-signature.js";
import { parseSpythonHash } from "../formats/spython.js";
import type { AttributeKeys, TrustedKey } from "../pki/attribute-keys.js";
import { createContentVerifier } from "../pki/signature-algorithm.js";

/**
 * The result for one attribute of one file. `hash-only` means that the content matches a hash that nobody signed.
 * `unsigned` means that the file does not have the attribute. `mismatch` means that the attribute was made for other
 * content or metadata. `untrusted-signer` means that no trusted key has the signature's key id, so that the signature
 * was not verified, or that the signer is refused because of revocation. `malformed` means that the value cannot be
 * used as evidence.
 */
export type AttributeStatus = "trusted" | "hash-only" | "unsigned" | "mismatch" | "untrusted-signer" | "malformed";

export type AttributeVerdict =
	| { readonly status: "trusted"; readonly key: TrustedKey }
	| {
			readonly status: Exclude<AttributeStatus, "trusted">;
			readonly code: ErrorCode;
			/** The text that completes a sentence about the file, e.g. `was modified`. */
			readonly reason: string;
			/** The digest in the attribute in lower-case hexadecimal, if the content has another digest. */
			readonly expected?: string;
			/** The digest of the content in lower-case hexadecimal, if `expected` is given. */
			readonly actual?: string;
	  };

/**
 * The untrusted values of a file's attributes, as they were before the content was read. `value` is undefined if the
 * attribute is missing.
 */
export interface AttributesFound {
	readonly value: Uint8Array | undefined;
	/** The metadata and the other attributes that the signature of an EVM value covers. Undefined for other formats. */
	readonly subject: EvmSubject | undefined;
}

export interface AttributeTrial {
	/**
	 * Takes the next piece of the file's content. The caller passes all pieces in order, and may reuse the buffer of a
	 * piece after the call.
	 */
	content(piece: Uint8Array): void;
	/** Returns the verdict. The caller calls this once, after the last piece, with the SHA-256 of the whole content. */
	verdict(sha256: Uint8Array): AttributeVerdict;
}

export function startTrial(format: AttributeFormat, found: AttributesFound, keys: AttributeKeys): AttributeTrial {
	const { value, subject } = found;
	if (value === undefined)
		return settled({ status: "unsigned", code: "ERR_UNSIGNED", reason: "has no such attribute" });
	try {
		if (format === "spython") {
			const { algorithm, digest } = parseSpythonHash(value);
			return hashTrial(algorithm, digest);
		}
		return format === "evm" ? evmTrial(value, subject, keys) : imaTrial(value, keys, format);
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		return settled({ status: "malformed", code: error.code, reason: `is malformed: ${error.message}` });
	}
}

/**
 * Judges a value of IMA's attribute. Each format accepts an unsigned hash. The format `ima` accepts both kinds of
 * signatures, `ima-verity` accepts only a signature over the fs-verity digest, and `ima-hash` accepts no signature.
 */
function imaTrial(value: Uint8Array, keys: AttributeKeys, format: "ima" | "ima-hash" | "ima-verity"): AttributeTrial {
	const parsed = parseIma(value);
	switch (parsed.kind) {
		case "digest":
		case "digest-ng":
			return hashTrial(parsed.algorithm, parsed.digest);
		case "signature":
			return format === "ima" ? contentTrial(parsed, keys) : otherKind("a signature over the content");
		case "verity-signature":
			return format === "ima-hash" ? otherKind("a signature over the fs-verity digest") : verityTrial(parsed, keys);
	}
}

function otherKind(kind: string): AttributeTrial {
	const reason = `has ${kind}, which is not the requested format; --format ima verifies it`;
	return settled({ status: "malformed", code: "ERR_ATTRIBUTE_FORMAT", reason });
}

function hashTrial(algorithm: DigestAlgorithm, expected: Uint8Array): AttributeTrial {
	const digest = requireEvidence(algorithm, "hash");
	const hash = digest === "sha256" ? undefined : createHash(digest);
	return {
		content: (piece) => void hash?.update(piece),
		verdict(sha256) {
			const actual = hash?.digest() ?? sha256;
			if (Buffer.compare(actual, expected) === 0) {
				return { status: "hash-only", code: "ERR_UNSIGNED", reason: "matches its hash, which nobody signed" };
			}
			return {
				status: "mismatch",
				code: "ERR_FILE_MODIFIED",
				reason: "was modified",
				expected: Buffer.from(expected).toString("hex"),
				actual: Buffer.from(actual).toString("hex"),
			};
		},
	};
}

/**
 * Verifies a signature over the content with each trusted key that has the signature's key id, because several keys can
 * have one id. All these keys get the same pieces, so the content is read only once.
 */
function contentTrial(parsed: IntegritySignature, keys: AttributeKeys): AttributeTrial {
	const digest = requireEvidence(parsed.algorithm, "signature");
	const candidates = keys.candidatesFor(parsed.keyId);
	if (candidates.length === 0) return settled(untrusted(keys.refusalFor(parsed.keyId)));
	const verifiers = candidates.map((key) => ({ key, verifier: createContentVerifier(key.publicKey, digest) }));
	const check = createCrossSignatureCheck();
	return {
		content(piece) {
			check.update(piece);
			for (const { verifier } of verifiers) verifier.update(piece);
		},
		verdict() {
			const found = check.found();
			if (found !== undefined) {
				const reason = `is ${found}, so its signature may have been made for another purpose`;
				return { status: "malformed", code: "ERR_CROSS_SIGNATURE", reason };
			}
			const signer = verifiers.find(({ verifier }) => verifier.verify(parsed.signature));
			return signer === undefined ? stale(parsed, "other content") : { status: "trusted", key: signer.key };
		},
	};
}

function verityTrial(parsed: VeritySignature, keys: AttributeKeys): AttributeTrial {
	const hasher = createFsverityHasher({ algorithm: parsed.algorithm });
	return {
		content: (piece) => void hasher.update(piece),
		verdict: () => judgeMessage(parsed, verityMessage(parsed.algorithm, hasher.digest()), keys, "other content"),
	};
}

/**
 * Judges a value of EVM's attribute. A portable EVM signature covers the value of IMA's attribute and not the content,
 * so the hash or signature in IMA's attribute must match too.
 */
function evmTrial(value: Uint8Array, subject: EvmSubject | undefined, keys: AttributeKeys): AttributeTrial {
	const parsed = parseEvm(value);
	if (parsed.kind !== "portable-signature") {
		const kind = parsed.kind === "hmac" ? "an HMAC" : "bound to one inode";
		const reason = `has an EVM attribute that only the machine that made it can verify: it is ${kind}`;
		return settled({ status: "malformed", code: "ERR_UNSUPPORTED_ALGORITHM", reason });
	}
	requireEvidence(parsed.algorithm, "signature");
	const covered = subject?.attributes.get(IMA_ATTRIBUTE);
	if (subject === undefined || covered === undefined) {
		const reason = "has no IMA attribute, and an EVM signature without one does not cover the content";
		return settled({ status: "mismatch", code: "ERR_SIGNATURE", reason });
	}
	const message = evmPortableMessage(subject);
	const ima = imaTrial(covered, keys, "ima");
	return {
		content: (piece) => ima.content(piece),
		verdict(sha256) {
			const content = ima.verdict(sha256);
			const fits = content.status === "trusted" || content.status === "hash-only";
			return fits ? judgeMessage(parsed, message, keys, "another owner, group, mode or attribute") : content;
		},
	};
}

function judgeMessage(
	parsed: IntegritySignature,
	message: Uint8Array,
	keys: AttributeKeys,
	what: string,
): AttributeVerdict {
	const digest = requireEvidence(parsed.algorithm, "signature");
	const candidates = keys.candidatesFor(parsed.keyId);
	if (candidates.length === 0) return untrusted(keys.refusalFor(parsed.keyId));
	const key = candidates.find(({ publicKey }) => {
		const verifier = createContentVerifier(publicKey, digest);
		verifier.update(message);
		return verifier.verify(parsed.signature);
	});
	return key === undefined ? stale(parsed, what) : { status: "trusted", key };
}

/** Returns the verdict on a signature whose signer is refused for the reason in the error. */
export function untrusted({ code, message }: SigtoolError): AttributeVerdict {
	return { status: "untrusted-signer", code, reason: `is signed by a key that is not trusted: ${message}` };
}

function stale({ keyId }: IntegritySignature, what: string): AttributeVerdict {
	const reason = `does not match its signature by key ${keyId}: ${what} was signed`;
	return { status: "mismatch", code: "ERR_SIGNATURE", reason };
}

function settled(verdict: AttributeVerdict): AttributeTrial {
	return { content() {}, verdict: () => verdict };
}
