/** Makes a key that a host trusts during a test, and indexes that it signs. */

import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileTrustIndex } from "../../packages/core/dist/compile/compile.js";
import { spkiSha256 } from "../../packages/core/dist/pki/certificate.js";
import { trustFromCertificates } from "../../packages/core/dist/pki/trust-policy.js";
import { issueCertificate } from "../../packages/core/dist/signer/identity/issue-certificate.js";
import { signerFromKey } from "../../packages/core/dist/signer/signer.js";
import { parsePolicy } from "../../packages/core/dist/trust/policy.js";

const DAY_MS = 86_400_000;
const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const validity = { notBefore: Date.now() - DAY_MS, notAfter: Date.now() + 90 * DAY_MS };
const certificate = issueCertificate({ commonName: "Test", key, ...validity, kind: "release" });
const signer = signerFromKey(key, [certificate], { unfit: "allow" });

export interface Trust {
	readonly index: string;
	/** The path of the host configuration. */
	readonly config: string;
}

/** Adopts directories as they are. Writes the index, and a host configuration that trusts it, into `home`. */
export async function adopt(
	directories: readonly string[],
	home: string,
	policy: object,
	audit: object,
	host: object = {},
): Promise<Trust> {
	const [index, config] = [join(home, "app.sigx"), join(home, "verifier.json")];
	await compileTrustIndex([], {
		output: index,
		adopt: directories,
		trust: trustFromCertificates([]),
		signer,
		policy: parsePolicy({ version: 1, ...policy }),
	});
	const pins = [{ "spki-sha256": spkiSha256(certificate) }];
	writeFileSync(config, JSON.stringify({ version: 1, pins, index, audit, ...host }));
	return { index, config };
}
