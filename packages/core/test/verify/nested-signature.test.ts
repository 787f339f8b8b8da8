import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { TAG } from "../../dist/asn1/der.js";
import { encodeAttribute, encodeSignedData, parseSignedData } from "../../dist/pki/cms.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { verifyCatalog } from "../../dist/verify/verify-catalog.js";
import { tempTree } from "../fileset/temp-tree.js";
import { certificateFor, p256 } from "../signer/material.js";

it("a nested signature is not judged, changes no verdict, and is warned of", async () => {
	const root = tempTree({ a: "1" });
	const key = p256();
	const certificate = certificateFor(key);
	const signer = signerFromKey(key, [certificate]);
	await signPaths([root], { signer });
	const catalog = readFileSync(join(root, `${basename(root)}.cat`));
	const { contentType, content, signers } = parseSignedData(catalog, "catalog");
	const [{ signedAttributesDer = new Uint8Array(), signature }] = signers;
	const signedAttributes = Buffer.from(signedAttributesDer).fill(TAG.SET, 0, 1);
	const unsignedAttributes = [encodeAttribute("1.3.6.1.4.1.311.2.4.1", catalog)];
	const nested = encodeSignedData({
		...{ contentType, content, certificates: [certificate] },
		signer: { algorithm: signer.algorithm, certificate, signedAttributes, signature, unsignedAttributes },
	});
	const trust = trustFromCertificates([certificate]);
	const warnings = (bytes: Uint8Array) => verifyCatalog(bytes, { trust }).warnings;
	expect(warnings(catalog)).toEqual([]);
	expect(warnings(Buffer.concat(nested))).toEqual(["1 nested signature not judged"]);
});
