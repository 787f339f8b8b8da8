/** Makes RFC 3161 tokens for any time. `openssl ts` makes tokens only for the present time. */

import { createHash, createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { encode, integer, NULL, octetString, oid, sequence, TAG } from "../../dist/asn1/der.js";
import { encodeAttribute, encodeSignedAttributes, encodeSignedData } from "../../dist/pki/cms.js";
import { encodeSigningCertificate } from "../../dist/pki/signing-certificate.js";
import { TST_INFO_OID } from "../../dist/pki/tst-info.js";
import type { Issued } from "./openssl.js";

const SHA256 = "2.16.840.1.101.3.4.2.1";

/** Returns a token over the bytes by an authority with an RSA or P-256 key. `time` is in milliseconds since the epoch. */
export function tokenAt(bytes: Uint8Array, time: number, { certificate, keyFile }: Issued): Uint8Array {
	const genTime = new Date(time).toISOString().replace(/[-:T]|\.\d+/g, "");
	const tstInfo = sequence(
		integer(1),
		oid("1.2.3.4"),
		sequence(sequence(oid(SHA256), NULL), octetString(sha256(bytes))),
		integer(1),
		encode(TAG.GENERALIZED_TIME, Buffer.from(genTime)),
	);
	const signedAttributes = encodeSignedAttributes([
		encodeAttribute("1.2.840.113549.1.9.3", oid(TST_INFO_OID)),
		encodeAttribute("1.2.840.113549.1.9.4", octetString(sha256(tstInfo))),
		encodeSigningCertificate(certificate),
	]);
	const key = createPrivateKey(readFileSync(keyFile));
	const algorithm = key.asymmetricKeyType === "rsa" ? "rsa-pkcs1-sha256" : "ecdsa-sha256";
	const signature = sign("sha256", signedAttributes, key);
	const signer = { algorithm, certificate, signedAttributes, signature } as const;
	const content = octetString(tstInfo);
	return Buffer.concat(encodeSignedData({ contentType: TST_INFO_OID, content, certificates: [certificate], signer }));
}

function sha256(bytes: Uint8Array): Buffer {
	return createHash("sha256").update(bytes).digest();
}
