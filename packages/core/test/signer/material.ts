/** Makes keys and certificates for the tests of signers, without outside tools. */

import { generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { expect } from "vitest";
import { type ErrorCode, SigtoolError } from "../../dist/errors.js";
import { type Certificate, publicKeyOf } from "../../dist/pki/certificate.js";
import { issueCertificate } from "../../dist/signer/identity/issue-certificate.js";
import type { Signer } from "../../dist/signer/signer.js";
import { nextRsaKey } from "../kept-keys.js";

export const rsa2048 = (): KeyObject => nextRsaKey(2048);
export const p256 = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
export const p384 = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;

export const DAY_MS = 86_400_000;

/** Issues a self-signed code-signing certificate that is valid today. */
export function certificateFor(key: KeyObject, commonName = "Test Signer"): Certificate {
	const now = Date.now();
	return issueCertificate({ commonName, key, notBefore: now - DAY_MS, notAfter: now + 90 * DAY_MS, kind: "release" });
}

/** Checks that the signer's signature verifies under its leaf. */
export async function expectToSign(signer: Signer): Promise<void> {
	const bytes = Buffer.from("what is signed");
	const signature = await signer.sign(bytes);
	expect(verify("sha256", bytes, publicKeyOf(signer.certificates[0]), signature)).toBe(true);
}

/** Checks that the promise is rejected with a SigtoolError with that code, and returns the error. */
export async function expectRejection(code: ErrorCode, promise: Promise<unknown>): Promise<SigtoolError> {
	const error = await promise.then(
		() => undefined,
		(reason: unknown) => reason,
	);
	expect(error, `expected ${code}`).toBeInstanceOf(SigtoolError);
	expect((error as SigtoolError).code, (error as SigtoolError).message).toBe(code); // The line above checks the type.
	return error as SigtoolError;
}
