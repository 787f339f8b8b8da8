/**
 * Extended attributes, made while files are hashed: a hash (`spython`, `ima-hash`) on any thread, a signature (`ima`,
 * `ima-verity`, `evm`) where the key is. What is right already is kept, so that a second run writes nothing.
 */

import { type AttributeAccess, loadAttributes } from "./attributes.js";
import { DIGEST_ALGORITHMS } from "./digest/algorithms.js";
import { createFsverityHasher, type FsverityHasher } from "./digest/fsverity.js";
import { quote, SigtoolError } from "./errors.js";
import {
	type AttributeMaker,
	attributeCounts,
	createAttributeWriter,
	type DigestAttribute,
	digestMaker,
	readAttribute,
} from "./fileset/attribute-writer.js";
import type { FileVisitor, OpenFile } from "./fileset/hash-file.js";
import type { HashFileSetOptions } from "./fileset/hash-files.js";
import type { CarriedAttribute } from "./fileset/manifest.js";
import {
	type AttributeFormat,
	type AttributeNaming,
	attributeName,
	isSignatureFormat,
} from "./formats/attribute-format.js";
import { encodeEvmSignature, evmPortableMessage, parseEvm, readEvmSubject } from "./formats/evm.js";
import {
	checkImaContent,
	encodeImaDigest,
	encodeImaSignature,
	encodeVeritySignature,
	parseIma,
	type VerityDigest,
	verityMessage,
} from "./formats/ima.js";
import type { IntegritySignature } from "./formats/integrity-signature.js";
import { keyIdOf } from "./pki/attribute-keys.js";
import { publicKeyOf } from "./pki/certificate.js";
import { type ContentVerifier, createContentVerifier, type EvidenceDigest } from "./pki/signature-algorithm.js";
import type { ContentSignature, Signer } from "./signer/signer.js";

export interface AttributeSignOptions extends AttributeNaming {
	/** Each at most once, and one of IMA's three at most. */
	readonly formats: readonly AttributeFormat[];
	/** Of all formats. Default `sha256`; fs-verity knows no `sha384`. */
	readonly digest?: EvidenceDigest;
	/** Needed for signatures. */
	readonly signer?: Signer | undefined;
	/** Also reads the IMA and EVM attributes that files then have, for the catalog. */
	readonly carry?: boolean;
}

export interface WrittenAttribute {
	readonly format: AttributeFormat;
	readonly name: string;
	/** Files whose attribute was written, and files that had it. */
	readonly writtenCount: number;
	readonly unchangedCount: number;
}

/** What hashing a file set takes to write attributes, and what it leaves. */
export interface AttributeSigning {
	readonly hashing: Pick<HashFileSetOptions, "attributes" | "visitor">;
	readonly written: () => WrittenAttribute[];
	/** By row. */
	readonly carried: ReadonlyMap<number, readonly CarriedAttribute[]>;
}

/** @throws ERR_USAGE, ERR_UNSUPPORTED_PLATFORM, ERR_ATTRIBUTES_UNAVAILABLE */
export async function prepareAttributes(options: AttributeSignOptions): Promise<AttributeSigning> {
	const { formats, digest = "sha256", signer, carry = false } = options;
	checkTogether(formats, digest);
	const names = formats.map((format) => attributeName(format, options));
	const counts = attributeCounts(formats.length);
	const carried = new Map<number, readonly CarriedAttribute[]>();
	const result = {
		written: () =>
			formats.map((format, index) => {
				const [writtenCount, unchangedCount] = counts.subarray(2 * index, 2 * index + 2);
				return { format, name: names[index], writtenCount, unchangedCount };
			}),
		carried,
	};
	const isDigests = !formats.some(isSignatureFormat);
	if (isDigests && !carry) {
		const attributes = formats.map((format, index) => digestAttribute(format, names[index], digest));
		return { ...result, hashing: { attributes: { attributes, counts } } };
	}
	const access = await loadAttributes();
	const makers = formats.map((format, index) => {
		if (!isSignatureFormat(format)) return digestMaker(digestAttribute(format, names[index], digest));
		if (signer === undefined) throw new TypeError(`The format ${format} needs a signer`);
		return signatureMaker(format, names[index], { access, signer, digest });
	});
	const writer = createAttributeWriter(access, makers, counts);
	return { ...result, hashing: { visitor: carry ? carryingAfter(writer, access, options, carried) : writer } };
}

function checkTogether(formats: readonly AttributeFormat[], digest: EvidenceDigest): void {
	const ima = formats.filter((format) => format.startsWith("ima"));
	if (ima.length > 1) {
		throw new SigtoolError("ERR_USAGE", `Choose one of ${ima.join(" and ")}: they are kept in one attribute`);
	}
	if (formats.includes("ima-verity") && digest === "sha384") {
		throw new SigtoolError("ERR_USAGE", "Use --digest sha256 or sha512 with ima-verity: fs-verity knows no other");
	}
}

function digestAttribute(format: AttributeFormat, name: string, digest: EvidenceDigest): DigestAttribute {
	if (format === "spython") return { name, digest, prefix: new Uint8Array(), text: "hex" };
	const { sizeBytes } = DIGEST_ALGORITHMS[digest];
	const prefix = encodeImaDigest(digest, new Uint8Array(sizeBytes)).slice(0, -sizeBytes);
	return { name, digest, prefix, text: "octets" };
}

interface Making {
	readonly access: AttributeAccess;
	readonly signer: Signer;
	readonly digest: EvidenceDigest;
}

function signatureMaker(format: AttributeFormat, name: string, making: Making): AttributeMaker {
	const key = { keyId: keyIdOf(making.signer.certificates[0]), digest: making.digest };
	if (format === "ima") return imaMaker(name, key, making);
	return format === "evm" ? evmMaker(name, key, making) : verityMaker(name, key, making);
}

interface KeyUse {
	readonly keyId: string;
	readonly digest: EvidenceDigest;
}

/** What is present is verified while the content is read for signing it: either way it is read once. */
function imaMaker(name: string, { keyId, digest }: KeyUse, { signer }: Making): AttributeMaker {
	const publicKey = publicKeyOf(signer.certificates[0]);
	let signature: ContentSignature;
	/** Until its first octets have been looked at. */
	let unseen: OpenFile | undefined;
	let known:
		| { readonly value: Uint8Array; readonly signature: Uint8Array; readonly verifier: ContentVerifier }
		| undefined;
	return {
		name,
		begin(file, present) {
			signature = signer.begin(digest);
			unseen = file;
			const parsed = parsedOrNothing(parseIma, present);
			const isOurs = parsed?.kind === "signature" && parsed.algorithm === digest && parsed.keyId === keyId;
			known =
				isOurs && present !== undefined
					? { value: present, signature: parsed.signature, verifier: createContentVerifier(publicKey, digest) }
					: undefined;
		},
		content(piece) {
			if (unseen !== undefined) withName(unseen, () => checkImaContent(piece, Number(unseen?.stats.size)));
			unseen = undefined;
			signature.update(piece);
			known?.verifier.update(piece);
		},
		finish() {
			if (known?.verifier.verify(known.signature) === true) return known.value;
			return encodeImaSignature({ algorithm: digest, keyId, signature: signature.sign() });
		},
	};
}

function verityMaker(name: string, { keyId, digest }: KeyUse, { signer }: Making): AttributeMaker {
	const algorithm = digest as VerityDigest; // checkTogether refused the one that is none.
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

function evmMaker(name: string, { keyId, digest }: KeyUse, { access, signer }: Making): AttributeMaker {
	let present: Uint8Array | undefined;
	return {
		name,
		begin(_, value) {
			present = value;
		},
		content() {},
		finish(file) {
			const message = evmMessage(access, file, name);
			const parsed = parsedOrNothing(parseEvm, present);
			const old = parsed?.kind === "portable-signature" ? parsed : undefined;
			return keepOrSign({ present, old, message }, { keyId, digest }, signer, (signature) => {
				return encodeEvmSignature({ algorithm: digest, keyId, signature });
			});
		},
	};
}

/** @throws ERR_UNSIGNED when the file has no IMA attribute */
function evmMessage(access: AttributeAccess, file: OpenFile, name: string): Uint8Array {
	const subject = readEvmSubject(name, file.stats, (covered) => readAttribute(access, file, covered));
	return withName(file, () => evmPortableMessage(subject));
}

/** Puts the file's name into what is wrong with its content or attributes. */
function withName<T>({ name }: OpenFile, act: () => T): T {
	try {
		return act();
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		throw new SigtoolError(cause.code, `${cause.message} (${quote(name)})`, { cause, path: name });
	}
}

interface Signed {
	readonly present: Uint8Array | undefined;
	/** What is present, when it is a signature of the right kind. */
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

/** What cannot be parsed is replaced. */
function parsedOrNothing<T>(parse: (value: Uint8Array) => T, value: Uint8Array | undefined): T | undefined {
	try {
		return value && parse(value);
	} catch (error) {
		if (error instanceof SigtoolError) return undefined;
		throw error;
	}
}

/** Reads what a file has once the writer is through with it. */
function carryingAfter(
	writer: FileVisitor,
	access: AttributeAccess,
	naming: AttributeNaming,
	carried: Map<number, readonly CarriedAttribute[]>,
): FileVisitor {
	const parsers = [
		{ name: attributeName("ima", naming), parse: parseIma },
		{ name: attributeName("evm", naming), parse: parseEvm },
	];
	return {
		...writer,
		end(file, sha256) {
			const outcome = writer.end(file, sha256);
			const attributes = parsers.flatMap(({ name, parse }) => {
				const value = readAttribute(access, file, name);
				if (value === undefined) return [];
				withName(file, () => parse(value));
				return [{ name, value }];
			});
			if (attributes.length > 0) carried.set(file.row, attributes);
			return outcome;
		},
	};
}
