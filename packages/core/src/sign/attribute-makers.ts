/**
 * Creates the maker of each attribute format. A maker computes the value of one attribute for one file after another: a
 * hash, or a signature. If a file already has a valid signature by the same key and digest, the maker keeps it.
 */

import { DIGEST_ALGORITHMS } from "../digest/algorithms.js";
import { createFsverityHasher, type FsverityHasher } from "../digest/fsverity.js";
import { quote, SigtoolError } from "../errors.js";
import {
	type AttributeMaker,
	type DigestAttribute,
	digestMaker,
	readAttribute,
} from "../fileset/hash/attribute-writer.js";
import { fileChanged, type OpenFile } from "../fileset/hash/hash-file.js";
import { type AttributeFormat, isImaFormat, isSignatureFormat } from "../formats/attribute-format.js";
import { type CrossSignatureCheck, createCrossSignatureCheck } from "../formats/cross-signature.js";
import { encodeEvmSignature, evmPortableMessage, parseEvm, readEvmSubject } from "../formats/evm.js";
import {
	encodeImaDigest,
	encodeImaSignature,
	encodeVeritySignature,
	IMA_ATTRIBUTE,
	parseIma,
	type VerityDigest,
	verityMessage,
} from "../formats/ima.js";
import type { IntegritySignature } from "../formats/integrity-signature.js";
import { attributeKeys, keyIdOf } from "../pki/attribute-keys.js";
import { publicKeyOf } from "../pki/certificate.js";
import { type ContentVerifier, createContentVerifier, type EvidenceDigest } from "../pki/signature-algorithm.js";
import { trustFromCertificates } from "../pki/trust-policy.js";
import type { ContentSignature, Signer } from "../signer/signer.js";
import type { AttributeAccess } from "../system/attributes.js";
import { type AttributeTrial, startTrial } from "../verify/attribute-trial.js";

interface Making {
	readonly access: AttributeAccess;
	readonly signer: Signer;
	readonly digest: EvidenceDigest;
	/**
	 * Passes the IMA value of the current file to the maker of EVM signatures. Undefined if no format of the run makes
	 * an IMA value.
	 */
	readonly ima: MadeValue | undefined;
}

/** `value` was made for the current file. It is undefined before the first file is finished. */
interface MadeValue {
	value: Uint8Array | undefined;
}

export type MakerOptions = Omit<Making, "signer"> & { readonly signer: Signer | undefined };

export function makerOf(format: AttributeFormat, name: string, { signer, ...options }: MakerOptions): AttributeMaker {
	if (!isSignatureFormat(format)) {
		const maker = digestMaker(digestAttribute(format, name, options.digest));
		return isImaFormat(format) ? remembering(maker, options.ima) : maker;
	}
	if (signer === undefined) {
		throw new SigtoolError("ERR_USAGE", `Cannot sign with format ${format}: it is a signature, so it needs a signer`);
	}
	const making = { ...options, signer };
	const key = { keyId: keyIdOf(signer.certificates[0]), digest: options.digest };
	if (format === "evm") return evmMaker(name, key, making);
	return remembering(format === "ima" ? imaMaker(name, key, making) : verityMaker(name, key, making), options.ima);
}

/**
 * Describes the attribute of a format that is a hash. The description can be passed to worker threads, which compute
 * the hash.
 */
export function digestAttribute(format: AttributeFormat, name: string, digest: EvidenceDigest): DigestAttribute {
	if (format === "spython") return { name, digest, prefix: new Uint8Array(), text: "hex" };
	const { sizeBytes } = DIGEST_ALGORITHMS[digest];
	const prefix = encodeImaDigest(digest, new Uint8Array(sizeBytes)).slice(0, -sizeBytes);
	return { name, digest, prefix, text: "bytes" };
}

function remembering(maker: AttributeMaker, made: MadeValue | undefined): AttributeMaker {
	return {
		...maker,
		finish(file, sha256) {
			const value = maker.finish(file, sha256);
			if (made !== undefined) made.value = value;
			return value;
		},
	};
}

interface KeyUse {
	readonly keyId: string;
	readonly digest: EvidenceDigest;
}

/**
 * Makes IMA signatures. Verifies the present signature during the same read that serves the new signature, so that the
 * content is read only once.
 */
function imaMaker(name: string, { keyId, digest }: KeyUse, { signer }: Making): AttributeMaker {
	const publicKey = publicKeyOf(signer.certificates[0]);
	let signature: ContentSignature;
	let check: CrossSignatureCheck;
	let known:
		| { readonly value: Uint8Array; readonly signature: Uint8Array; readonly verifier: ContentVerifier }
		| undefined;
	return {
		name,
		begin(_, present) {
			signature = signer.begin(digest);
			check = createCrossSignatureCheck();
			const parsed = parsedOrNothing(parseIma, present);
			const isOurs = parsed?.kind === "signature" && parsed.algorithm === digest && parsed.keyId === keyId;
			known =
				isOurs && present !== undefined
					? { value: present, signature: parsed.signature, verifier: createContentVerifier(publicKey, digest) }
					: undefined;
		},
		content(piece) {
			check.update(piece);
			signature.update(piece);
			known?.verifier.update(piece);
		},
		finish({ name: path }) {
			const found = check.found();
			if (found !== undefined) throw crossSignature(path, found);
			if (known?.verifier.verify(known.signature) === true) return known.value;
			return encodeImaSignature({ algorithm: digest, keyId, signature: signature.sign() });
		},
	};
}

function crossSignature(path: string, found: string): SigtoolError {
	const reason = `its content is ${found}, so the signature could be misused there; exclude the file`;
	return new SigtoolError("ERR_CROSS_SIGNATURE", `Cannot sign ${quote(path)} for IMA: ${reason}`, { path });
}

function verityMaker(name: string, { keyId, digest }: KeyUse, { signer }: Making): AttributeMaker {
	// The type assertion is safe: checkTogether() refused sha384.
	const algorithm = digest as VerityDigest;
	let hasher: FsverityHasher;
	let present: Uint8Array | undefined;
	return {
		name,
		begin(_, value) {
			hasher = createFsverityHasher({ algorithm });
			present = value;
		},
		content(piece) {
			hasher.update(piece);
		},
		finish() {
			const message = verityMessage(algorithm, hasher.digest());
			const parsed = parsedOrNothing(parseIma, present);
			const old = parsed?.kind === "verity-signature" ? parsed : undefined;
			return keepOrSign({ present, old, message }, { keyId, digest }, signer, (signature) => {
				return encodeVeritySignature({ algorithm, keyId, signature });
			});
		},
	};
}

/**
 * Makes EVM signatures, which cover the file's IMA value. Either the run made this value, or it was there before and
 * was compared with the content. Otherwise an attacker that can write the attribute could choose what is signed. A
 * value that does not match is refused with the code that `verifyAttributes` uses for it. For values of other keys see
 * `checkImaFits`.
 */
function evmMaker(name: string, { keyId, digest }: KeyUse, { access, signer, ima }: Making): AttributeMaker {
	const keys = attributeKeys(trustFromCertificates(signer.certificates.slice(0, 1)), []);
	const subjectOf = (file: OpenFile) => {
		return readEvmSubject(name, file.stats, (covered) => readAttribute(access, file, covered));
	};
	let present: Uint8Array | undefined;
	let found: Uint8Array | undefined;
	let trial: AttributeTrial | undefined;
	return {
		name,
		begin(file, value) {
			present = value;
			if (ima !== undefined) return;
			found = subjectOf(file).attributes.get(IMA_ATTRIBUTE);
			trial = startTrial("ima", { value: found, subject: undefined }, keys);
		},
		content(piece) {
			trial?.content(piece);
		},
		finish(file, sha256) {
			const subject = subjectOf(file);
			const message = withName(file, () => evmPortableMessage(subject));
			checkImaFits(file, trial, sha256);
			const covered = subject.attributes.get(IMA_ATTRIBUTE);
			const expected = ima === undefined ? found : ima.value;
			if (covered === undefined || expected === undefined || Buffer.compare(covered, expected) !== 0) {
				throw fileChanged(file.name);
			}
			const parsed = parsedOrNothing(parseEvm, present);
			const old = parsed?.kind === "portable-signature" ? parsed : undefined;
			return keepOrSign({ present, old, message }, { keyId, digest }, signer, (signature) => {
				return encodeEvmSignature({ algorithm: digest, keyId, signature });
			});
		},
	};
}

/**
 * Refuses an IMA value that does not match the content. A signature by another key cannot be checked here and is
 * accepted.
 */
function checkImaFits({ name }: OpenFile, trial: AttributeTrial | undefined, sha256: Uint8Array): void {
	const verdict = trial?.verdict(sha256);
	if (verdict?.status !== "mismatch" && verdict?.status !== "malformed") return;
	const reason = "its IMA attribute does not fit its content; add --format ima to replace it";
	throw new SigtoolError(verdict.code, `Cannot sign ${quote(name)} for EVM: ${reason}`, { path: name });
}

/** Runs `act`, and adds the file's name to the message of a SigtoolError that `act` throws. */
export function withName<T>({ name }: OpenFile, act: () => T): T {
	try {
		return act();
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		throw new SigtoolError(cause.code, `${cause.message} (${quote(name)})`, { cause, path: name });
	}
}

interface Signed {
	readonly present: Uint8Array | undefined;
	/** The present value, if it is a signature of the right kind. */
	readonly old: IntegritySignature | undefined;
	readonly message: Uint8Array;
}

function keepOrSign(
	{ present, old, message }: Signed,
	{ keyId, digest }: KeyUse,
	signer: Signer,
	encode: (signature: Uint8Array) => Uint8Array,
): Uint8Array {
	if (present !== undefined && old?.algorithm === digest && old.keyId === keyId) {
		const verifier = createContentVerifier(publicKeyOf(signer.certificates[0]), digest);
		verifier.update(message);
		if (verifier.verify(old.signature)) return present;
	}
	const signature = signer.begin(digest);
	signature.update(message);
	return encode(signature.sign());
}

/**
 * Parses a present value. Returns undefined for a value that is absent or cannot be parsed, so that the caller replaces
 * it.
 */
function parsedOrNothing<T>(parse: (value: Uint8Array) => T, value: Uint8Array | undefined): T | undefined {
	try {
		return value && parse(value);
	} catch (error) {
		if (error instanceof SigtoolError) return undefined;
		throw error;
	}
}
