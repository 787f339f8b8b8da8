/**
 * Makes a signer without a private key. The RSA key of its certificate has the public exponent 1. With this exponent a
 * signature is the padded digest itself, so anyone can write such signatures.
 */

import { createHash, createPublicKey } from "node:crypto";
import { bitString, DerReader, encode, integer, NULL, octetString, oid, sequence, TAG } from "../../dist/asn1/der.js";
import type { Certificate } from "../../dist/pki/certificate.js";
import { DIGEST_OIDS, RSA_ENCRYPTION } from "../../dist/pki/signature-algorithm.js";
import { issueCertificate } from "../../dist/signer/identity/issue-certificate.js";
import type { Signer } from "../../dist/signer/signer.js";
import { nextRsaKey } from "../kept-keys.js";

const MODULUS_BYTES = 256;

/** Encodes a SubjectPublicKeyInfo of RSA with this modulus and exponent. */
export function rsaSpki(modulus: bigint, exponent: bigint): Uint8Array {
	const numbers = sequence(integer(modulus), integer(exponent));
	return sequence(sequence(oid(RSA_ENCRYPTION), NULL), bitString(numbers));
}

/**
 * Returns the bytes that count as a signature of `bytes` under the exponent 1: EMSA-PKCS1-v1_5 of their SHA-256. RFC
 * 8017 §9.2.
 */
export function signatureOfNobody(bytes: Uint8Array): Buffer {
	const digest = createHash("sha256").update(bytes).digest();
	const info = sequence(sequence(oid(DIGEST_OIDS.sha256), NULL), octetString(digest));
	const padding = Buffer.alloc(MODULUS_BYTES - info.length - 3, 0xff);
	return Buffer.concat([Buffer.of(0, 1), padding, Buffer.of(0), info]);
}

/**
 * Returns a code-signing certificate with the key `spki`. It is not parsed again, because the parser would refuse the
 * key.
 */
export function certificateWithKey(spki: Uint8Array): Certificate {
	const key = nextRsaKey(2048);
	const now = Date.now();
	const times = { notBefore: now - 86_400_000, notAfter: now + 86_400_000 };
	const usual = issueCertificate({ commonName: "Nobody", key, ...times, kind: "release" });
	const reader = new DerReader(usual.tbs, "certificate");
	const parts: Uint8Array[] = [];
	reader.open(TAG.SEQUENCE);
	while (!reader.done) {
		const element = reader.element();
		parts.push(Buffer.from(element).equals(usual.spki) ? spki : element);
	}
	const tbs = encode(TAG.SEQUENCE, ...parts);
	const signature = signatureOfNobody(tbs);
	const algorithm = sequence(oid(usual.signatureAlgorithm.oid), NULL);
	return { ...usual, tbs, spki, signature, der: sequence(tbs, algorithm, bitString(signature)) };
}

/** Returns the modulus of an RSA key of 2048 bits. */
export function usualModulus(): bigint {
	const { n = "" } = createPublicKey(nextRsaKey(2048)).export({ format: "jwk" });
	return BigInt(`0x${Buffer.from(n, "base64url").toString("hex")}`);
}

/** Makes the signer. Its signatures are those of `signatureOfNobody`. */
export function signerWithoutKey(certificate = certificateWithKey(rsaSpki(usualModulus(), 1n))): Signer {
	return {
		algorithm: "rsa-pkcs1-sha256",
		certificates: [certificate],
		development: false,
		sign: async (bytes) => signatureOfNobody(bytes),
		begin: () => {
			const content: Uint8Array[] = [];
			return { update: (bytes) => content.push(bytes), sign: () => signatureOfNobody(Buffer.concat(content)) };
		},
		close() {},
	};
}
