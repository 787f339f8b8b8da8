/**
 * Writes into DIRECTORY an authority (`root.pem`), a signer that it issued (`signer.pem`, `signer.key`), and the
 * authority's revocation list of COUNT other certificates, `list.der` and `list.pem`. Arguments: COUNT DIRECTORY.
 */

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
	bitString,
	encode,
	encodeParts,
	integer,
	octetString,
	oid,
	sequence,
	TAG,
	time,
} from "../packages/core/dist/asn1/der.js";
import { certificateToPem, issueCertificate } from "../packages/core/dist/signer/identity/issue-certificate.js";

const DAY_MS = 86_400_000;
const [count, directory] = process.argv.slice(2);
const now = Date.now();
const [rootKey, signerKey] = [1, 2].map(() => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
const validity = { notBefore: now - DAY_MS, notAfter: now + DAY_MS };
const root = issueCertificate({ commonName: "Root", key: rootKey, kind: "authority", ...validity });
const issuer = { certificate: root, key: rootKey };
const signer = issueCertificate({ commonName: "Signer", key: signerKey, issuer, kind: "release", ...validity });

const revokedAt = time(now - DAY_MS);
const superseded = sequence(sequence(oid("2.5.29.21"), octetString(encode(TAG.ENUMERATED, Uint8Array.of(4)))));
const entries = Array.from({ length: Number(count) }, (_, index) => {
	const serial = randomBytes(16);
	// The fixed bits make the serial number positive and minimal.
	serial[0] = (serial[0] & 0x3f) | 0x40;
	const reason = index % 3 === 0 ? [superseded] : [];
	return sequence(encode(TAG.INTEGER, serial), revokedAt, ...reason);
});
const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
const dates = [time(now - DAY_MS), time(now + DAY_MS)];
const tbs = sequence(integer(1), algorithm, root.subject.der, ...dates, encodeParts(TAG.SEQUENCE, entries));
const list = sequence(tbs, algorithm, bitString(sign("sha256", tbs, rootKey)));

writeFileSync(join(directory, "root.pem"), certificateToPem(root));
writeFileSync(join(directory, "signer.pem"), certificateToPem(signer));
writeFileSync(join(directory, "signer.key"), signerKey.export({ type: "pkcs8", format: "pem" }));
writeFileSync(join(directory, "list.der"), list);
const lines = Buffer.from(list)
	.toString("base64")
	.match(/.{1,64}/g);
writeFileSync(
	join(directory, "list.pem"),
	["-----BEGIN X509 CRL-----", ...lines, "-----END X509 CRL-----", ""].join("\n"),
);
