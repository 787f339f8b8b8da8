/**
 * Checks the MAC of a PKCS#12 container. The MAC is an HMAC. Its key is derived by PKCS#12's own function (RFC 7292
 * §5.1 and appendix B), or with PBMAC1 by PBKDF2 (RFC 9579).
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import { DerReader, TAG } from "../../asn1/der.js";
import { type ErrorCode, SigtoolError } from "../../errors.js";
import { type AlgorithmIdentifier, readAlgorithm } from "../../pki/signature-algorithm.js";
import type { HashName } from "../pbe/iterated-hash.js";
import {
	type Derivation,
	deriveKey,
	type EncodedPassphrase,
	hmacHash,
	readIterations,
	readPbkdf2,
} from "../pbe/pkcs12-derivation.js";

export interface ContainerMac {
	readonly derivation: Derivation;
	readonly keyBytes: number;
	/** The hash of the HMAC over the content. */
	readonly hash: HashName;
	readonly value: Uint8Array;
}

/**
 * Returns the encodings of a passphrase that give different keys for the MAC. PBMAC1 uses only the UTF-8 encoding,
 * which all members of `encodings` have in common, so the first one is enough.
 */
export function encodingsForMac(
	{ derivation }: ContainerMac,
	encodings: readonly EncodedPassphrase[],
): readonly EncodedPassphrase[] {
	return derivation.kind === "pbkdf2" ? encodings.slice(0, 1) : encodings;
}

/**
 * Returns true if the MAC belongs to this content and passphrase. A false result means a wrong passphrase or changed
 * content.
 */
export function isMacOf(mac: ContainerMac, content: Uint8Array, passphrase: EncodedPassphrase): boolean {
	const key = deriveKey(mac.derivation, passphrase, "mac", mac.keyBytes);
	const expected = createHmac(mac.hash, key).update(content).digest();
	return expected.length === mac.value.length && timingSafeEqual(expected, mac.value);
}

/**
 * Reads the MAC:
 *
 *     MacData ::= SEQUENCE { mac SEQUENCE { AlgorithmIdentifier, OCTET STRING }, macSalt, iterations DEFAULT 1 }
 *
 * @throws ERR_DER; ERR_PKCS12 or ERR_PKCS12_PBMAC1 for a MAC that cannot be checked here
 */
export function readMac(reader: DerReader): ContainerMac {
	const macData = reader.open(TAG.SEQUENCE);
	const digestInfo = reader.open(TAG.SEQUENCE);
	const algorithm = readAlgorithm(reader);
	const value = reader.value(TAG.OCTET_STRING);
	reader.close(digestInfo);
	const salt = reader.value(TAG.OCTET_STRING);
	const iterations = reader.done ? 1 : readIterations(reader);
	reader.close(macData);
	if (algorithm.oid === PBMAC1) return { ...readPbmac1(algorithm), value };
	const digest = DIGESTS[algorithm.oid];
	if (digest === undefined) {
		const reason = `its MAC uses ${algorithm.oid}, which is not accepted; export it again with \`openssl pkcs12 -export\``;
		throw refusal("ERR_PKCS12", reason);
	}
	const { hash, bytes } = digest;
	return { derivation: { kind: "pkcs12", hash, salt, iterations }, keyBytes: bytes, hash, value };
}

/**
 * Reads PBMAC1-params ::= SEQUENCE { keyDerivationFunc, messageAuthScheme }, RFC 8018 §A.5. With PBMAC1, macSalt and
 * iterations of MacData are ignored. The key's length must be stated and be 20 to 64 bytes. RFC 9579 (§4, §6) sets the
 * lower bound.
 */
function readPbmac1({ parameters }: AlgorithmIdentifier): Omit<ContainerMac, "value"> {
	try {
		const reader = new DerReader(parameters ?? new Uint8Array(), "parameters of PBMAC1");
		const outer = reader.open(TAG.SEQUENCE);
		const derivation = readPbkdf2(readAlgorithm(reader));
		const hash = hmacHash(readAlgorithm(reader).oid);
		reader.close(outer);
		const { keyBytes = 0 } = derivation;
		if (keyBytes < MIN_KEY_BYTES || keyBytes > MAX_KEY_BYTES) reader.fail(`its key has ${keyBytes} bytes`);
		return { derivation, keyBytes, hash };
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		const reason = `it uses PBMAC1 in a form that is not supported (${cause.message})`;
		throw refusal("ERR_PKCS12_PBMAC1", `${reason}; export it again with \`openssl pkcs12 -export\``);
	}
}

function refusal(code: ErrorCode, reason: string): SigtoolError {
	return new SigtoolError(code, `Cannot check the MAC: ${reason}`);
}

const PBMAC1 = "1.2.840.113549.1.5.14";
const MIN_KEY_BYTES = 20;
/** The longest hash has 64 bytes. A longer key protects no better, and takes more work. RFC 2104 §3. */
const MAX_KEY_BYTES = 64;
/** A MAC that is not PBMAC1 may use these digests. */
const DIGESTS: Readonly<Record<string, { readonly hash: HashName; readonly bytes: number }>> = {
	"1.3.14.3.2.26": { hash: "sha1", bytes: 20 },
	"2.16.840.1.101.3.4.2.1": { hash: "sha256", bytes: 32 },
	"2.16.840.1.101.3.4.2.2": { hash: "sha384", bytes: 48 },
	"2.16.840.1.101.3.4.2.3": { hash: "sha512", bytes: 64 },
};
