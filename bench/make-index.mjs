/** Writes a trust index of COUNT invented files, and its signer's certificate. Arguments: COUNT INDEX CERTIFICATE. */

import { createHash, generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { issueCertificate } from "../packages/core/dist/signer/identity/issue-certificate.js";
import { signerFromKey } from "../packages/core/dist/signer/signer.js";
import { encodeIndex, signIndex } from "../packages/core/dist/trust/index-encode.js";
import { DEFAULT_POLICY } from "../packages/core/dist/trust/policy.js";

const DAY_MS = 86_400_000;
const [count, indexFile, certificateFile] = process.argv.slice(2);
const entries = new Map();
for (let i = 0; i < Number(count); i++) {
	const sha256 = createHash("sha256").update(String(i)).digest("hex");
	entries.set(`node_modules/package-${i % 1000}/lib/dist/module-${i}.js`, { kind: "file", sha256, size: i });
}
const product = { name: "app", root: "/srv/app", sequence: 1, catalogs: [], entries };
const key = generateKeyPairSync("rsa", { modulusLength: 3072 }).privateKey;
const now = Date.now();
const order = { commonName: "Bench", key, notBefore: now - DAY_MS, notAfter: now + DAY_MS, kind: "release" };
const certificate = issueCertificate(order);
const content = encodeIndex({ notAfter: undefined, policy: DEFAULT_POLICY, signers: [], products: [product] });
writeFileSync(indexFile, Buffer.concat(await signIndex(content, signerFromKey(key, [certificate]), now)));
writeFileSync(certificateFile, certificate.der);
