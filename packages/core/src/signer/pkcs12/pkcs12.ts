/**
 * Makes signers with a key from a PKCS#12 container (RFC 7292) with a passphrase. Nothing is decrypted before the MAC
 * of the container is checked. No key is derived before the work of the derivation is checked against a limit.
 *
 * The container may be in DER or BER, with a MAC by SHA-1 or SHA-2, or with PBMAC1. It has exactly one private key. It
 * may be encrypted by PBES2 with AES, 3DES or RC2, or by the older schemes with 3DES or RC2.
 */

import { createPrivateKey, type KeyObject } from "node:crypto";
import { type ErrorCode, quote, reasonOf, SigtoolError } from "../../errors.js";
import { type Certificate, parseCertificate } from "../../pki/certificate.js";
import { describeFileBytes } from "../../pki/file-kind.js";
import { describeJavaKeystore } from "../java-keystore.js";
import { DerivationLimit } from "../pbe/derivation-limit.js";
import { type EncodedPassphrase, encodingsOf } from "../pbe/pkcs12-derivation.js";
import { decrypt, derivedLengths, type Encryption, readEncryption, startKey } from "../pbe/pkcs12-encryption.js";
import { askPassphrase, readCertificates, readKeyFile } from "../pem.js";
import { type PassphraseSource, type Signer, type SignerOptions, signerFromKey } from "../signer.js";
import {
	type Contents,
	readAuthenticatedSafe,
	readContainer,
	readSafeContents,
	type Sealed,
} from "./pkcs12-content.js";
import { type ContainerMac, encodingsForMac, isMacOf } from "./pkcs12-mac.js";

/** The options of `openPkcs12Signer`. */
export interface Pkcs12SignerOptions extends SignerOptions {
	readonly file: string;
	/** Files with certificates that the container lacks. */
	readonly chainFiles?: readonly string[];
	readonly passphrase: PassphraseSource;
	readonly onWarning?: (text: string) => void;
}

/**
 * Opens a signer.
 * @throws ERR_PKCS12, ERR_PKCS12_NO_MAC, ERR_PKCS12_PBMAC1, ERR_KEY_PASSPHRASE, ERR_KEY, ERR_KEY_MISMATCH,
 * ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { openPkcs12Signer } from "@sigtool/core";
 *
 * const signer = await openPkcs12Signer({ file: "release.p12", passphrase: () => "secret" });
 * console.log(signer.certificates.length); // 2
 * ```
 */
export async function openPkcs12Signer(options: Pkcs12SignerOptions): Promise<Signer> {
	const chain = (options.chainFiles ?? []).flatMap(readCertificates);
	const { key, certificates } = await openContainerFile(options);
	return signerFromKey(key, [...certificates, ...chain], options);
}

export interface ContainerContent {
	readonly key: KeyObject;
	readonly certificates: readonly Certificate[];
}

/**
 * Returns the only key of a container, and its certificates.
 * @throws the errors of `openPkcs12Signer` that concern the container
 */
export async function openContainerFile(
	options: Pick<Pkcs12SignerOptions, "file" | "passphrase" | "onWarning">,
): Promise<ContainerContent> {
	const { file, onWarning } = options;
	const { content, mac } = readProtected(readKeyFile(file, onWarning, MAX_CONTAINER_BYTES), file);
	const limit = new DerivationLimit();
	const excess = limit.add(mac.derivation, mac.keyBytes);
	if (excess !== undefined) throw refusal("ERR_PKCS12", file, `its MAC ${excess}`);
	const passphrase = await askPassphrase(file, options.passphrase);
	try {
		const { keys, certificates } = await openContents(content, mac, encodingsOf(passphrase), limit);
		const [key] = keys;
		if (keys.length !== 1) throw unusable(`it holds ${keys.length} private keys, one is needed`);
		return {
			key: createPrivateKey({ key: Buffer.from(key), format: "der", type: "pkcs8" }),
			certificates: certificates.map(parseCertificate),
		};
	} catch (error) {
		throw describeFailure(error, file);
	}
}

interface ProtectedContent {
	readonly content: Uint8Array;
	readonly mac: ContainerMac;
}

/** Reads a container. Refuses a container whose content no passphrase protects against changes. */
function readProtected(bytes: Buffer, path: string): ProtectedContent {
	const { content, mac } = readStructure(bytes, path);
	if (content === undefined) throw refusal("ERR_PKCS12", path, "it is protected by a signature, not by a passphrase");
	if (mac === undefined) {
		const reason = "it has no MAC, so nothing protects its content; export it again with one";
		throw refusal("ERR_PKCS12_NO_MAC", path, reason);
	}
	return { content, mac };
}

function readStructure(bytes: Buffer, path: string): ReturnType<typeof readContainer> {
	try {
		return readContainer(bytes);
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		if (cause.code !== "ERR_DER") throw refusal(cause.code, path, reasonOf(cause));
		const reason = notAContainer(bytes, cause);
		throw new SigtoolError("ERR_PKCS12", `Cannot open ${quote(path)}: ${reason}`, { cause, path });
	}
}

function notAContainer(bytes: Uint8Array, cause: SigtoolError): string {
	const keystore = describeJavaKeystore(bytes);
	if (keystore !== undefined) return `it is ${keystore}`;
	const { kind, text } = describeFileBytes(bytes);
	if (kind === "cut off" || kind === "empty") return `it is ${text}`;
	if (kind === "PKCS#12 container" || kind === "unknown") {
		return `it is not a PKCS#12 container that is understood (${cause.message}); ${CONVERSION}`;
	}
	const isPem = kind === "PEM certificate" || kind === "PEM private key";
	return `it is ${text}, not a PKCS#12 container${isPem ? "; use --key and --cert" : ""}`;
}

/**
 * Checks the MAC and decrypts all parts. The keys of PBES2 are derived on other threads while this thread checks the
 * MAC, because each of these tasks takes about the same time. The keys are used only if the MAC is right.
 * @throws ERR_KEY_PASSPHRASE, ERR_PKCS12, ERR_DER, ERR_UNSUPPORTED_ALGORITHM
 */
async function openContents(
	content: Uint8Array,
	mac: ContainerMac,
	encodings: readonly EncodedPassphrase[],
	limit: DerivationLimit,
): Promise<Contents> {
	const contents = readAuthenticatedSafe(content);
	const [usual] = encodings;
	const outermost = contents.sealed.splice(0).map((sealed) => beginUnsealing(sealed, usual, limit));
	const passphrase = passphraseOf(content, mac, encodings, limit);
	for (const unsealing of outermost) await finishUnsealing(unsealing, passphrase, contents);
	for (const sealed of contents.sealed) {
		await finishUnsealing(beginUnsealing(sealed, passphrase, limit), passphrase, contents);
	}
	return contents;
}

/**
 * Returns the encoding of the passphrase for which the MAC is right. The caller has counted the work for the first
 * encoding.
 * @throws ERR_KEY_PASSPHRASE, ERR_PKCS12
 */
function passphraseOf(
	content: Uint8Array,
	mac: ContainerMac,
	encodings: readonly EncodedPassphrase[],
	limit: DerivationLimit,
): EncodedPassphrase {
	for (const [index, encoding] of encodingsForMac(mac, encodings).entries()) {
		const excess = index === 0 ? undefined : limit.add(mac.derivation, mac.keyBytes);
		if (excess !== undefined) throw unusable(`for another encoding of the passphrase its MAC ${excess}`);
		if (isMacOf(mac, content, encoding)) return encoding;
	}
	throw new SigtoolError("ERR_KEY_PASSPHRASE", "Cannot open the container: the passphrase is wrong");
}

interface Unsealing {
	readonly sealed: Sealed;
	readonly encryption: Encryption;
	/** Undefined for the older schemes. Their key is derived later, on this thread. */
	readonly key: Promise<Buffer> | undefined;
}

function beginUnsealing(sealed: Sealed, passphrase: EncodedPassphrase, limit: DerivationLimit): Unsealing {
	const encryption = readEncryption(sealed.algorithm);
	const excess = limit.add(encryption.derivation, ...derivedLengths(encryption));
	if (excess !== undefined) throw unusable(`its encryption ${excess}`);
	return { sealed, encryption, key: startKey(encryption, passphrase) };
}

/**
 * Decrypts a part and adds its plaintext to `contents`. If the plaintext is a SafeContents, it may itself have an
 * encrypted key, which is added to `contents.sealed`.
 */
async function finishUnsealing(
	{ sealed, encryption, key }: Unsealing,
	passphrase: EncodedPassphrase,
	contents: Contents,
): Promise<void> {
	const plaintext = await decrypt(encryption, passphrase, await key, sealed.ciphertext);
	if (sealed.plaintext === "key") contents.keys.push(plaintext);
	else readSafeContents(plaintext, contents);
}

/**
 * Makes an error for a container that could not be opened. The error has nothing of the key, and only the code of
 * node:crypto's error.
 */
function describeFailure(error: unknown, path: string): SigtoolError {
	if (!(error instanceof SigtoolError)) {
		const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
		return refusal("ERR_PKCS12", path, `its key is damaged or of an unknown kind (${code})`);
	}
	switch (error.code) {
		case "ERR_KEY_PASSPHRASE":
			return refusal(error.code, path, reasonOf(error));
		case "ERR_PKCS12":
		case "ERR_UNSUPPORTED_ALGORITHM":
			return refusal("ERR_PKCS12", path, reasonOf(error));
		default:
			return refusal("ERR_PKCS12", path, `its content is damaged or not supported (${error.message})`);
	}
}

function unusable(reason: string): SigtoolError {
	return new SigtoolError("ERR_PKCS12", `Cannot open the container: ${reason}`);
}

function refusal(code: ErrorCode, path: string, reason: string): SigtoolError {
	return new SigtoolError(code, `Cannot open ${quote(path)}: ${reason}`, { path });
}

const MAX_CONTAINER_BYTES = 2 ** 20;
const CONVERSION =
	"`openssl pkcs12 -in FILE -out all.pem` and then `openssl pkcs12 -export -in all.pem` convert other forms";
