/** Makes signers with a key from a PEM file. No message and no `cause` of an error contains a key or passphrase. */

import { createPrivateKey, type KeyObject, type PrivateKeyInput } from "node:crypto";
import { DerReader, TAG } from "../asn1/der.js";
import { quote, reasonOf, SigtoolError, shell } from "../errors.js";
import { type Certificate, certificatesFromFileBytes } from "../pki/certificate.js";
import { describeFileBytes, type FileKind } from "../pki/file-kind.js";
import { decodePem, withoutByteOrderMark } from "../pki/pem-blocks.js";
import { readAlgorithm } from "../pki/signature-algorithm.js";
import { readInput, readSecret } from "../system/read-file.js";
import { describeJavaKeystore } from "./java-keystore.js";
import { checkEncryptedKey } from "./pem-encryption.js";
import { type PassphraseSource, type Signer, type SignerOptions, signerFromKey } from "./signer.js";

/** The options of `openPemSigner`. */
export interface PemSignerOptions extends SignerOptions {
	/** File with one private key in PKCS#8, PKCS#1 or SEC 1, encrypted or not. Other content of the file is skipped. */
	readonly keyFile: string;
	/** File with the key's certificate, in PEM or DER. In PEM, the certificates of its issuers may follow. */
	readonly certFile: string;
	readonly chainFiles?: readonly string[];
	readonly passphrase?: PassphraseSource;
	readonly onWarning?: (text: string) => void;
}

/**
 * Makes a signer with the key of a file.
 * @throws ERR_KEY, ERR_KEY_PASSPHRASE, ERR_KEY_MISMATCH, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { openPemSigner } from "@sigtool/core";
 *
 * const passphrase = () => process.env.KEY_PASSPHRASE ?? "";
 * const signer = await openPemSigner({ keyFile: "release.key", certFile: "release.crt", passphrase });
 * console.log(signer.algorithm); // ecdsa-sha256
 * ```
 */
export async function openPemSigner(options: PemSignerOptions): Promise<Signer> {
	const { keyFile, certFile, chainFiles = [], passphrase, onWarning } = options;
	const certificates = [certFile, ...chainFiles].flatMap(readCertificates);
	const { key } = await openKeyFile(keyFile, passphrase, onWarning);
	return signerFromKey(key, certificates, options);
}

export interface PemKey {
	readonly key: KeyObject;
	/** The key's PEM block, unchanged from the file. */
	readonly pem: string;
}

/** Opens the only private key of a file. @throws ERR_KEY, ERR_KEY_PASSPHRASE, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO */
export async function openKeyFile(
	path: string,
	passphrase: PassphraseSource | undefined,
	onWarning?: (text: string) => void,
): Promise<PemKey> {
	const pem = privateKeyBlock(readKeyFile(path, onWarning), path);
	return { key: await openKey(pem, path, passphrase), pem };
}

/** Reads every certificate of a PEM or DER file. @throws ERR_KEY, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO */
export function readCertificates(path: string): Certificate[] {
	const bytes = readInput(path, MAX_CERTIFICATE_FILE_BYTES);
	try {
		return certificatesFromFileBytes(bytes);
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		const isKey = describeFileBytes(bytes).kind.endsWith("private key");
		const hint = isKey ? "; are --key and --cert swapped?" : "";
		throw new SigtoolError("ERR_KEY", `Cannot use ${quote(path)}: ${reasonOf(cause)}${hint}`, { cause, path });
	}
}

/**
 * Reads a file that contains a private key, and calls `onWarning` if other users can read that file.
 * @throws as `readSecret`
 */
export function readKeyFile(
	path: string,
	onWarning: ((text: string) => void) | undefined,
	maxBytes = MAX_KEY_FILE_BYTES,
): Buffer {
	const { bytes, access } = readSecret(path, maxBytes);
	if (access === "shared")
		onWarning?.(`other users may read the key in ${quote(path)}; \`${shell`chmod 600 ${path}`}\` makes it private`);
	return bytes;
}

/**
 * Asks for the passphrase of a file.
 * @throws ERR_KEY_PASSPHRASE if there is no source, or if the passphrase is too long for node:crypto
 */
export async function askPassphrase(path: string, source: PassphraseSource | undefined): Promise<string> {
	if (source === undefined) throw refusal("ERR_KEY_PASSPHRASE", path, "it is encrypted and no passphrase was given");
	const passphrase = await source();
	if (Buffer.byteLength(passphrase) > MAX_PASSPHRASE_BYTES) {
		throw refusal("ERR_KEY_PASSPHRASE", path, `the passphrase is longer than ${MAX_PASSPHRASE_BYTES} bytes`);
	}
	return passphrase;
}

async function openKey(pem: string, path: string, source: PassphraseSource | undefined): Promise<KeyObject> {
	const isPkcs8 = pem.startsWith(`-----BEGIN ${ENCRYPTED_PKCS8}-----`);
	const encrypted = isPkcs8 || /^Proc-Type: 4,ENCRYPTED/m.test(pem);
	const input: PrivateKeyInput = isPkcs8 ? encryptedPkcs8(pem, path) : { key: pem, format: "pem" };
	const passphrase = encrypted ? await askPassphrase(path, source) : undefined;
	try {
		return createPrivateKey({ ...input, passphrase });
	} catch (error) {
		throw describeFailure(error, path, encrypted);
	}
}

/**
 * Decodes an encrypted PKCS#8 key, and refuses a key whose decryption would take too much work. The result is DER, so
 * that node:crypto reads exactly the bytes that were checked. Keys in the traditional PEM encryption need no such
 * check, because that encryption hashes the passphrase only once.
 */
function encryptedPkcs8(pem: string, path: string): PrivateKeyInput {
	try {
		const [der] = decodePem(Buffer.from(pem, "latin1"), ENCRYPTED_PKCS8);
		checkEncryptedKey(der);
		return { key: Buffer.from(der), format: "der", type: "pkcs8" };
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		if (error.code === "ERR_LIMIT") throw refusal("ERR_KEY", path, `${reasonOf(error)}; ${ENCRYPT_ANEW}`);
		if (error.code === "ERR_UNSUPPORTED_ALGORITHM") throw unsupportedEncryption(path);
		throw refusal("ERR_KEY", path, `it is damaged (${error.message})`);
	}
}

/**
 * Returns the PEM block of the only private key in the file. RFC 7468 §2.
 * @throws ERR_KEY if there is not exactly one
 */
function privateKeyBlock(bytes: Buffer, path: string): string {
	const text = withoutByteOrderMark(bytes.toString("latin1"));
	const blocks = [...text.matchAll(/^-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/gm)];
	const [block] = blocks;
	if (block === undefined) {
		throw refusal("ERR_KEY", path, notAKey(bytes));
	}
	if (blocks.length > 1) throw refusal("ERR_KEY", path, `it holds ${blocks.length} private keys`);
	if (block[1] === "OPENSSH ") {
		throw refusal("ERR_KEY", path, "it is in OpenSSH's form; `ssh-keygen -p -m PKCS8 -f FILE` converts it in place");
	}
	const end = `-----END ${block[1] ?? ""}PRIVATE KEY-----`;
	const length = text.slice(block.index).indexOf(end);
	if (length === -1) throw refusal("ERR_KEY", path, "it is damaged: the end of the key is missing");
	return `${text.slice(block.index, block.index + length)}${end}\n`;
}

function notAKey(bytes: Uint8Array): string {
	const keystore = describeJavaKeystore(bytes);
	if (keystore !== undefined) return `it is ${keystore}`;
	const { kind, text } = describeFileBytes(bytes);
	if (kind === "cut off" || kind === "empty") return `it is ${text}`;
	if (kind === "private key") return `it is a private key in DER; ${FROM_DER} converts it to PEM`;
	if (isEncryptedKey(bytes)) return `it is an encrypted private key in DER; ${FROM_DER_ENCRYPTED} converts it to PEM`;
	return `it is ${text}, not a private key in PEM; ${KEY_HINTS[kind] ?? "`openssl pkey` converts other forms"}`;
}

/** Recognises EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm, encryptedData OCTET STRING }. RFC 5958 §3. */
function isEncryptedKey(bytes: Uint8Array): boolean {
	try {
		const reader = new DerReader(bytes, "key");
		reader.open(TAG.SEQUENCE);
		readAlgorithm(reader);
		return reader.peek() === TAG.OCTET_STRING;
	} catch (error) {
		if (error instanceof SigtoolError) return false;
		throw error;
	}
}

const KEY_HINTS: Readonly<Partial<Record<FileKind, string>>> = {
	certificate: "are --key and --cert swapped?",
	"PEM certificate": "are --key and --cert swapped?",
	"trusted PEM certificate": "are --key and --cert swapped?",
	"PKCS#12 container": "use --p12",
};

/**
 * Makes an error for a key that node:crypto could not read. The error keeps only the code of node:crypto's error, whose
 * message could contain secrets. A wrong passphrase is sometimes not detected: it decrypts to bytes that look like a
 * damaged key.
 */
function describeFailure(error: unknown, path: string, encrypted: boolean): SigtoolError {
	const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
	if (!encrypted) return refusal("ERR_KEY", path, `it is damaged or of an unknown kind (${code})`);
	switch (code) {
		case "ERR_OSSL_BAD_DECRYPT":
			return refusal("ERR_KEY_PASSPHRASE", path, "the passphrase is wrong");
		case "ERR_OSSL_EVP_UNSUPPORTED":
			return unsupportedEncryption(path);
		default:
			return refusal("ERR_KEY_PASSPHRASE", path, `the passphrase is wrong or the file is damaged (${code})`);
	}
}

function unsupportedEncryption(path: string): SigtoolError {
	return refusal("ERR_KEY", path, `its encryption is not supported any more; ${ENCRYPT_ANEW}`);
}

function refusal(code: "ERR_KEY" | "ERR_KEY_PASSPHRASE", path: string, reason: string): SigtoolError {
	return new SigtoolError(code, `Cannot open key ${quote(path)}: ${reason}`, { path });
}

const ENCRYPTED_PKCS8 = "ENCRYPTED PRIVATE KEY";
const FROM_DER = "`openssl pkey -inform DER -in FILE -out key.pem`";
/** Unlike `openssl pkey`, this command encrypts the key that it writes. */
const FROM_DER_ENCRYPTED = "`openssl pkcs8 -topk8 -inform DER -in FILE -out key.pem`";
const ENCRYPT_ANEW = "`openssl pkcs8 -topk8` encrypts it anew";
const MAX_KEY_FILE_BYTES = 65_536;
/** A certificate file has at most this many bytes. A bundle of CA certificates has some 200 KB. */
const MAX_CERTIFICATE_FILE_BYTES = 2 ** 20;
/** A passphrase has at most this many bytes, which is the limit of OpenSSL's passphrase callback. */
const MAX_PASSPHRASE_BYTES = 1024;
