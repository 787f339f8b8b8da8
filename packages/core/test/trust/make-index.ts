/** Creates small indexes with two products for tests, without writing files. */

import { generateKeyPairSync } from "node:crypto";
import { SigtoolError } from "../../dist/errors.js";
import { type TrustPolicy, trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { issueCertificate } from "../../dist/signer/identity/issue-certificate.js";
import { type Signer, signerFromKey } from "../../dist/signer/signer.js";
import { DEFAULT_POLICY } from "../../dist/trust/default-policy.js";
import { encodeIndex, type IndexContent, signIndex } from "../../dist/trust/index-encode.js";
import type { IndexEntry } from "../../dist/trust/index-entries.js";
import { type TrustIndexVerifyOptions, verifyTrustIndex } from "../../dist/trust/verify-index.js";

/** The time at which the tests' certificates are valid and the indexes are signed. */
export const NOW = Date.UTC(2026, 0, 31, 12);
export const DAY_MS = 86_400_000;

export function makeSigner(kind: "release" | "development" = "release", commonName = "Test Signer"): Signer {
	const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
	const order = { commonName, key, notBefore: NOW - DAY_MS, notAfter: NOW + 30 * DAY_MS, kind };
	return signerFromKey(key, [issueCertificate(order)], { unfit: "allow" });
}

export function trustIn(...signers: readonly Signer[]): TrustPolicy {
	return trustFromCertificates(signers.map(({ certificates }) => certificates[0]));
}

export const file = (digit: string, size = 1): IndexEntry => ({ kind: "file", sha256: digit.repeat(64), size });

export const CONTENT: IndexContent = {
	notAfter: NOW + 7 * DAY_MS,
	policy: DEFAULT_POLICY,
	signers: ["5".repeat(64)],
	products: [
		{
			name: "app",
			root: "/srv/app",
			sequence: 42,
			catalogs: ["c".repeat(64)],
			entries: new Map<string, IndexEntry>([
				["main.js", file("a", 2 ** 40)],
				["lib/größe.js", file("b")],
				["lib/größe", file("0", 0)],
				["\u{1f511}.json", file("d")],
				["\uffee.json", file("e")],
				["current", { kind: "link", target: "lib/größe.js" }],
			]),
		},
		{
			name: "other",
			root: "/srv/other",
			sequence: undefined,
			catalogs: [],
			entries: new Map([["main.js", file("f")]]),
		},
	],
};

export async function makeIndex(signer: Signer, content: IndexContent = CONTENT): Promise<Buffer> {
	return signed(encodeIndex(content), signer);
}

export async function signed(content: Uint8Array, signer: Signer): Promise<Buffer> {
	return Buffer.concat(await signIndex(content, signer, NOW));
}

/** Returns the error code of a refusal, or the whole content of the index as text. */
export function judgeIndex(bytes: Uint8Array, options: TrustIndexVerifyOptions): string {
	try {
		const { index } = verifyTrustIndex(bytes, options);
		return JSON.stringify([index, index.products.map(({ name }) => [...index.entries(name)])]);
	} catch (error) {
		if (error instanceof SigtoolError) return error.code;
		throw error;
	}
}
