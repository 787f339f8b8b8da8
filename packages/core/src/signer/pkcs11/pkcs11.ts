/**
 * Makes signers with a key that never leaves a PKCS#11 token, such as a smart card, a USB key or a hardware security
 * module. sigtool hashes the content and the token signs the digest, by CKM_RSA_PKCS over a DigestInfo or by CKM_ECDSA,
 * because tokens with RSA or EC keys commonly have these two mechanisms.
 */

import { createHash } from "node:crypto";
import { integer, NULL, octetString, oid, sequence } from "../../asn1/der.js";
import { quote, SigtoolError } from "../../errors.js";
import type { Certificate } from "../../pki/certificate.js";
import { DIGEST_OIDS, type EvidenceDigest } from "../../pki/signature-algorithm.js";
import { readCertificates } from "../pem.js";
import { type PassphraseSource, type Signer, type SignerOptions, signerFromExternalKey } from "../signer.js";
import { attempt, ignoringFailure, openModule } from "./pkcs11-module.js";
import { certificatesOf, findKey, type TokenKey } from "./pkcs11-objects.js";
import { findToken, logIn, type Session } from "./pkcs11-token.js";
import type { Pkcs11Uri } from "./pkcs11-uri.js";

/** The options of `openPkcs11Signer`. */
export interface Pkcs11SignerOptions extends SignerOptions {
	/** The key, as `parsePkcs11Uri` describes it. */
	readonly uri: Pkcs11Uri;
	/** Path of the module's shared library. Default: the path in the URI. */
	readonly modulePath?: string;
	/**
	 * File with the key's certificate. In PEM, the certificates of its issuers may follow. By default the certificates
	 * come from the token.
	 */
	readonly certFile?: string;
	readonly chainFiles?: readonly string[];
	/**
	 * Asks the user for the PIN, with the token's label. It is called after the token was found, and only if the token
	 * needs a PIN. If a wrong PIN could lock the token soon, `warning` is a text that the user has to read before
	 * typing the PIN.
	 */
	readonly pin: (label: string, warning?: string) => ReturnType<PassphraseSource>;
	/**
	 * Time limit of each call of the module in milliseconds, by default 60,000. All calls until key and certificates
	 * are found may together take five times as long. No limit runs while the user is asked for the PIN.
	 */
	readonly timeoutMs?: number;
	readonly onWarning?: (text: string) => void;
}

/**
 * Opens a signer. The caller has to close it, because a token has few sessions.
 * @throws ERR_PKCS11, ERR_PIN, ERR_USAGE, ERR_KEY, ERR_KEY_MISMATCH, ERR_ROOT_MISSING, ERR_CERTIFICATE_FORMAT, ERR_DER,
 * ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { openPkcs11Signer, parsePkcs11Uri, signPaths } from "@sigtool/core";
 *
 * const uri = parsePkcs11Uri("pkcs11:token=release;object=key?module-path=/usr/lib/softhsm/libsofthsm2.so");
 * const signer = await openPkcs11Signer({ uri, certFile: "release.crt", pin: () => process.env.PIN ?? "" });
 * await signPaths(["src"], { signer });
 * signer.close(); // Ends the session with the token.
 * ```
 */
export async function openPkcs11Signer(options: Pkcs11SignerOptions): Promise<Signer> {
	const { uri, modulePath = uri.modulePath, certFile, chainFiles = [], onWarning } = options;
	const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
	if (modulePath === undefined) {
		throw new SigtoolError("ERR_USAGE", "Name the PKCS#11 module with --pkcs11-module, or by module-path in the URI");
	}
	const files = (certFile === undefined ? chainFiles : [certFile, ...chainFiles]).flatMap(readCertificates);
	const module = openModule(modulePath, timeoutMs);
	const { searching, cryptoki } = module;
	let session: Session | undefined;
	const close = () => {
		const { handle } = session ?? {};
		if (handle !== undefined) ignoringFailure(() => module.closing.C_CloseSession(handle));
		module.close();
	};
	try {
		const { slot, label, needsPin, warning } = findToken(searching, uri);
		if (warning !== undefined) onWarning?.(warning);
		const pin = needsPin ? await options.pin(label, warning) : undefined;
		const open = () => searching.C_OpenSession(slot, SERIAL_SESSION);
		session = {
			cryptoki: searching,
			slot,
			label,
			handle: attempt(`open a session with the token ${quote(label)}`, open),
		};
		if (pin !== undefined) logIn(session, "user", pin);
		const key = findKey(session, uri);
		const certificates = certFile === undefined ? [...certificatesOf(session, key), ...files] : files;
		const sign = signing({ ...session, cryptoki }, key, pin);
		const begin = (digest: EvidenceDigest) => {
			const hash = createHash(digest);
			return {
				update(content: Uint8Array) {
					hash.update(content);
				},
				sign: () => sign(digest, hash.digest()),
			};
		};
		checkKinds(key, certificates[0], label);
		return signerFromExternalKey({ place: `the token ${quote(label)}`, begin, close }, certificates, options);
	} catch (error) {
		close();
		throw error;
	}
}

/**
 * Refuses a key of another kind than the key in the certificate. This check does not prove that key and certificate
 * belong together: only the check of a signature proves that.
 */
function checkKinds({ kind }: TokenKey, { keyAlgorithm, subject }: Certificate, label: string): void {
	if (kind === keyAlgorithm.kind) return;
	const reason = `it is of another kind than the key of ${quote(subject.text)}`;
	throw new SigtoolError("ERR_KEY_MISMATCH", `Cannot sign with this key of the token ${quote(label)}: ${reason}`);
}

/** Returns a function that signs a digest and returns the signature in the form of `Signer.sign`. */
function signing(session: Session, key: TokenKey, pin: string | undefined) {
	const { cryptoki, handle, label } = session;
	return (digest: EvidenceDigest, hash: Buffer): Uint8Array => {
		const [mechanism, input] =
			key.kind === "rsa" ? [MECHANISM.rsaPkcs, encodeDigestInfo(digest, hash)] : [MECHANISM.ecdsa, hash];
		const action = `sign with the token ${quote(label)}`;
		attempt(action, () => cryptoki.C_SignInit(handle, mechanism, key.handle));
		if (key.alwaysAuthenticate && pin !== undefined) logIn(session, "contextSpecific", pin);
		const signature = attempt(action, () => cryptoki.C_Sign(handle, input));
		return key.kind === "rsa" ? signature : encodeEcdsaSignature(signature);
	};
}

/** Encodes DigestInfo ::= SEQUENCE { digestAlgorithm, digest OCTET STRING }. RFC 8017 §9.2. */
function encodeDigestInfo(digest: EvidenceDigest, hash: Uint8Array): Buffer {
	return Buffer.from(sequence(sequence(oid(DIGEST_OIDS[digest]), NULL), octetString(hash)));
}

/**
 * Encodes ECDSA-Sig-Value ::= SEQUENCE { r, s }. RFC 3279 §2.2.3. `raw` has r and then s, each with half of the bytes.
 */
function encodeEcdsaSignature(raw: Buffer): Uint8Array {
	const half = raw.length / 2;
	const [r, s] = [raw.subarray(0, half), raw.subarray(half)].map((part) => BigInt(`0x0${part.toString("hex")}`));
	return sequence(integer(r), integer(s));
}

/** MECHANISM has the numbers of CKM_ constants, and SERIAL_SESSION is CKF_SERIAL_SESSION. PKCS#11 v2.40. */
const MECHANISM = { rsaPkcs: 0x1, ecdsa: 0x1041 } as const;
const SERIAL_SESSION = 0x4;
/** The default is long, because a person may have to touch the token. */
const DEFAULT_TIMEOUT_MS = 60_000;
