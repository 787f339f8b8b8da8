/**
 * Makes signers with a key from a PKCS#12 container (RFC 7292) under a passphrase. node-forge only decrypts the
 * container. This file checks the outer structure before node-forge gets the bytes, and passes the results as DER to
 * node:crypto and to sigtool's certificate parser.
 *
 * A supported container is in DER, has a MAC with SHA-1 or SHA-2, has one key of any type, and is encrypted by PBES2,
 * 3DES or RC2-40. This file refuses containers without a MAC, because node-forge would accept them.
 */

import { createPrivateKey, type KeyObject } from "node:crypto";
import type Forge from "node-forge";
import { DerReader, TAG } from "../asn1/der.js";
import { type ErrorCode, quote, SigtoolError } from "../errors.js";
import { type Certificate, parseCertificate } from "../pki/certificate.js";
import { describeFileBytes } from "../pki/file-kind.js";
import { readAlgorithm } from "../pki/signature-algorithm.js";
import { askPassphrase, readCertificates, readKeyFile } from "./pem.js";
import { type PassphraseSource, type Signer, type SignerOptions, signerFromKey } from "./signer.js";

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
	const { file, passphrase, onWarning } = options;
	const bytes = readKeyFile(file, onWarning, MAX_CONTAINER_BYTES);
	checkStructure(bytes, file);
	const { keys, certificates } = await openContainer(bytes, await askPassphrase(file, passphrase), file);
	const [key] = keys;
	if (keys.length !== 1) throw refusal("ERR_PKCS12", file, `it holds ${keys.length} private keys, one is needed`);
	return { key, certificates };
}

/**
 * Checks the outer structure of a PFX: it must have version 3, integrity by passphrase, and a MAC that can be checked.
 * RFC 7292 §4.
 */
function checkStructure(bytes: Uint8Array, path: string): void {
	const { contentType, mac } = readPfx(bytes, path);
	if (contentType !== DATA) throw refusal("ERR_PKCS12", path, "it is protected by a signature, not by a passphrase");
	if (mac === undefined) {
		const reason = "it has no MAC, so nothing protects its content; export it again with one";
		throw refusal("ERR_PKCS12_NO_MAC", path, reason);
	}
	if (mac.algorithm === PBMAC1) {
		const reason = "it uses PBMAC1, which is not supported; export it again with `openssl pkcs12 -export`";
		throw refusal("ERR_PKCS12_PBMAC1", path, reason);
	}
	if (!MAC_DIGESTS.has(mac.algorithm)) {
		throw refusal("ERR_PKCS12", path, `its MAC uses ${mac.algorithm}, which is not accepted`);
	}
	if (mac.iterations > MAX_MAC_ITERATIONS) {
		throw refusal("ERR_PKCS12", path, `its MAC takes ${mac.iterations} iterations, more than ${MAX_MAC_ITERATIONS}`);
	}
}

interface Pfx {
	readonly contentType: string;
	readonly mac: { readonly algorithm: string; readonly iterations: number } | undefined;
}

/**
 * Reads the structure:
 *
 *     PFX ::= SEQUENCE { version, authSafe ContentInfo, macData MacData OPTIONAL }
 *     MacData ::= SEQUENCE { mac SEQUENCE { AlgorithmIdentifier, OCTET STRING }, macSalt, iterations DEFAULT 1 }
 */
function readPfx(bytes: Uint8Array, path: string): Pfx {
	try {
		const reader = new DerReader(bytes, "PKCS#12 container");
		const pfx = reader.open(TAG.SEQUENCE);
		if (reader.integer() !== 3) reader.fail("its version is not 3");
		const authSafe = reader.open(TAG.SEQUENCE);
		const contentType = reader.oid();
		reader.leave(authSafe);
		const mac = reader.done ? undefined : readMacData(reader);
		reader.close(pfx);
		if (!reader.done) reader.fail("bytes behind the container");
		return { contentType, mac };
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		const reason = notAContainer(bytes, cause);
		throw new SigtoolError("ERR_PKCS12", `Cannot open ${quote(path)}: ${reason}`, { cause, path });
	}
}

function notAContainer(bytes: Uint8Array, cause: SigtoolError): string {
	const { kind, text } = describeFileBytes(bytes);
	if (kind === "cut off" || kind === "empty") return `it is ${text}`;
	if (kind === "PKCS#12 container" || kind === "unknown") {
		return `it is not a PKCS#12 container in DER (${cause.message}); \`openssl pkcs12\` converts older forms`;
	}
	const isPem = kind === "PEM certificate" || kind === "PEM private key";
	return `it is ${text}, not a PKCS#12 container${isPem ? "; use --key and --cert" : ""}`;
}

function readMacData(reader: DerReader): { algorithm: string; iterations: number } {
	const macData = reader.open(TAG.SEQUENCE);
	const digestInfo = reader.open(TAG.SEQUENCE);
	const { oid } = readAlgorithm(reader);
	reader.next(TAG.OCTET_STRING);
	reader.close(digestInfo);
	reader.next(TAG.OCTET_STRING);
	const iterations = reader.done ? 1 : reader.integer();
	reader.close(macData);
	return { algorithm: oid, iterations };
}

interface Contents {
	readonly keys: readonly KeyObject[];
	readonly certificates: readonly Certificate[];
}

/**
 * Decrypts the container. Only the text of node-forge's errors is kept, because an error object could refer to the
 * passphrase.
 */
async function openContainer(bytes: Buffer, passphrase: string, path: string): Promise<Contents> {
	const { default: forge } = await import("node-forge");
	const keys: KeyObject[] = [];
	const certificates: Certificate[] = [];
	try {
		const structure = forge.asn1.fromDer(bytes.toString("latin1"));
		const pfx = withBoundedIterations(forge, path, () => forge.pkcs12.pkcs12FromAsn1(structure, true, passphrase));
		for (const bag of pfx.safeContents.flatMap(({ safeBags }) => safeBags)) {
			if (KEY_BAGS.has(bag.type)) {
				keys.push(createPrivateKey({ key: toDer(forge, keyStructure(forge, bag)), format: "der", type: "pkcs8" }));
			} else certificates.push(parseCertificate(toDer(forge, certificateStructure(forge, bag))));
		}
	} catch (error) {
		throw describeFailure(error, passphrase, path);
	}
	return { keys, certificates };
}

/**
 * The part of node-forge that derives the key of every encrypted part. The declared types of node-forge lack this part.
 */
interface PasswordBasedEncryption {
	getCipher(oid: string, parameters: Forge.asn1.Asn1, passphrase: string): unknown;
}

/**
 * Runs `open` and limits the sum of the iterations of all key derivations. If a key is inside an encrypted part, its
 * number of iterations becomes known only after node-forge has decrypted that part. The numbers are therefore read when
 * node-forge calls `getCipher`. This function is replaced while `open` runs, and restored at the end.
 */
function withBoundedIterations<T>(forge: typeof Forge, path: string, open: () => T): T {
	const { pbe } = forge.pki as typeof Forge.pki & { pbe: PasswordBasedEncryption }; // The types lack `pbe`.
	const { getCipher } = pbe;
	let total = 0;
	pbe.getCipher = (oid, parameters, passphrase) => {
		total += readIterations(oid, toDer(forge, parameters));
		if (total > MAX_ENCRYPTION_ITERATIONS) {
			const reason = `its encryption takes ${total} iterations or more, at most ${MAX_ENCRYPTION_ITERATIONS} are taken`;
			throw refusal("ERR_PKCS12", path, reason);
		}
		return getCipher(oid, parameters, passphrase);
	};
	try {
		return open();
	} finally {
		pbe.getCipher = getCipher;
	}
}

/**
 * Reads the iterations:
 *
 *     pkcs-12PbeParams ::= SEQUENCE { salt OCTET STRING, iterations INTEGER }                    RFC 7292 appendix C
 *     PBES2-params     ::= SEQUENCE { SEQUENCE { OID, SEQUENCE { salt, iterations, … } }, … }    RFC 8018 §A.2, §A.4
 */
function readIterations(oid: string, parameters: Uint8Array): number {
	const reader = new DerReader(parameters, "encryption parameters");
	reader.open(TAG.SEQUENCE);
	if (oid === PBES2) {
		reader.open(TAG.SEQUENCE);
		reader.next(TAG.OID);
		reader.open(TAG.SEQUENCE);
	}
	reader.next(TAG.OCTET_STRING);
	return reader.integer();
}

/** Returns a PrivateKeyInfo. node-forge decodes RSA keys and returns other keys as it read them. */
function keyStructure(forge: typeof Forge, bag: Forge.pkcs12.Bag): Forge.asn1.Asn1 {
	return bag.key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(bag.key)) : bag.asn1;
}

/**
 * Returns a Certificate. node-forge decodes only certificates with RSA keys, and also keeps the structure that it read.
 */
function certificateStructure(forge: typeof Forge, bag: Forge.pkcs12.Bag): Forge.asn1.Asn1 {
	return bag.cert ? forge.pki.certificateToAsn1(bag.cert) : bag.asn1;
}

function toDer(forge: typeof Forge, structure: Forge.asn1.Asn1): Buffer {
	return Buffer.from(forge.asn1.toDer(structure).getBytes(), "latin1");
}

function describeFailure(error: unknown, passphrase: string, path: string): SigtoolError {
	if (error instanceof SigtoolError && error.code === "ERR_PKCS12") return error;
	const text = error instanceof Error ? error.message : "unknown error";
	if (text.includes("MAC could not be verified")) {
		return refusal("ERR_KEY_PASSPHRASE", path, "the passphrase is wrong");
	}
	if (/[^\0-\x7f]/.test(passphrase)) {
		// The MAC matches, so the passphrase is right. But the key of PBES2 is derived from the passphrase in UTF-8,
		// and node-forge does not encode it so.
		const reason = `its encryption cannot be opened by a passphrase outside ASCII; export it again with another one (${text})`;
		return refusal("ERR_PKCS12", path, reason);
	}
	return refusal("ERR_PKCS12", path, `its content is damaged or not supported (${text})`);
}

function refusal(code: ErrorCode, path: string, reason: string): SigtoolError {
	return new SigtoolError(code, `Cannot open ${quote(path)}: ${reason}`, { path });
}

const MAX_CONTAINER_BYTES = 2 ** 20;
/**
 * Limit of the iterations for the MAC. Common tools write 2,048 to 600,000, and node-forge does 700,000 in one second.
 */
const MAX_MAC_ITERATIONS = 5_000_000;
/**
 * Limit of the sum of iterations for all encrypted parts. A container usually has two such parts, and node-forge does
 * 190,000 iterations of PBES2 in one second.
 */
const MAX_ENCRYPTION_ITERATIONS = 2_000_000;

const DATA = "1.2.840.113549.1.7.1";
const PBES2 = "1.2.840.113549.1.5.13";
const PBMAC1 = "1.2.840.113549.1.5.14";
/** The identifiers of SHA-1, SHA-256, SHA-384 and SHA-512. */
const MAC_DIGESTS: ReadonlySet<string> = new Set([
	"1.3.14.3.2.26",
	"2.16.840.1.101.3.4.2.1",
	"2.16.840.1.101.3.4.2.2",
	"2.16.840.1.101.3.4.2.3",
]);
/** The identifiers of keyBag and pkcs8ShroudedKeyBag. The only other kind that node-forge accepts is certBag. */
const KEY_BAGS: ReadonlySet<string> = new Set(["1.2.840.113549.1.12.10.1.1", "1.2.840.113549.1.12.10.1.2"]);
