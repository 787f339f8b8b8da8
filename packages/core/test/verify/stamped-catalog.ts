/** Creates a catalog with everything that a catalog can contain, for tests that damage it. See `makeStampedCatalog`. */

import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { octetString, TAG } from "../../dist/asn1/der.js";
import { encodeAttribute, encodeSignedData, parseSignedData } from "../../dist/pki/cms.js";
import { signPaths } from "../../dist/sign/sign.js";
import { openPemSigner } from "../../dist/signer/pem.js";
import type { Signer } from "../../dist/signer/signer.js";
import { CODE_SIGNER, type Issued, type Workshop } from "../pki/openssl.js";

export const RFC3161_TOKEN = "1.3.6.1.4.1.311.3.3.1";
/** The object identifier of an attribute without meaning. */
export const UNKNOWN = "1.3.6.1.4.1.55555.1";

export interface StampedCatalog {
	/**
	 * The catalog of product `demo`. It has 100 members, an empty file and a link. A token and an unknown attribute are
	 * unsigned attributes of it.
	 */
	readonly bytes: Uint8Array;
	/** The same catalog without unsigned attributes. */
	readonly unstamped: Uint8Array;
	readonly root: Issued;
	readonly intermediate: Issued;
	/** The signer's certificate, issued by `intermediate`. All certificates here expire at the end of 2039. */
	readonly leaf: Issued;
	/** Another root with the same name. */
	readonly impostor: Issued;
	readonly timeRoot: Issued;
	/** The leaf with its issuer and an unused certificate. */
	readonly signer: Signer;
}

/**
 * Makes a catalog of about 30 KB, with an RSA leaf, its issuer, an unused certificate, and an RFC 3161 token by
 * `openssl ts`.
 */
export async function makeStampedCatalog(workshop: Workshop): Promise<StampedCatalog> {
	const root = workshop.issue({ subject: "/CN=Root" });
	const impostor = workshop.issue({ subject: "/CN=Root" });
	const intermediate = workshop.issue({ subject: "/CN=Intermediate", issuer: root });
	const leaf = workshop.issue({ subject: "/CN=Leaf", issuer: intermediate, extensions: CODE_SIGNER });
	const unused = workshop.issue({ subject: "/CN=Unused" });
	const timeRoot = workshop.issue({ subject: "/CN=Time root" });
	const signer = await openPemSigner({
		keyFile: leaf.keyFile,
		certFile: leaf.file,
		chainFiles: [intermediate.file, unused.file],
	});

	const tree = join(workshop.directory, "tree");
	mkdirSync(join(tree, "lib/modules"), { recursive: true });
	for (let n = 0; n < 100; n++) {
		const file = join(tree, `lib/modules/module-${n}.js`);
		writeFileSync(file, `export default ${n};\n`);
		chmodSync(file, n % 10 === 0 ? 0o755 : 0o644);
	}
	writeFileSync(join(tree, "empty"), "");
	symlinkSync("lib/modules/module-0.js", join(tree, "main.js"));
	const output = join(tree, "app.cat");
	await signPaths([tree], { output, signer, product: "demo", sequence: 7 });

	const unstamped = readFileSync(output);
	const token = issueToken(workshop, timeRoot, parseSignedData(unstamped, "catalog").signers[0].signature);
	const attributes = [encodeAttribute(RFC3161_TOKEN, token), encodeAttribute(UNKNOWN, octetString(Buffer.from("?")))];
	const bytes = withUnsignedAttributes(unstamped, attributes);
	return { bytes, unstamped, root, intermediate, leaf, impostor, timeRoot, signer };
}

/** Returns the catalog with its unsigned attributes replaced by these results of `encodeAttribute`. */
export function withUnsignedAttributes(catalog: Uint8Array, unsignedAttributes: readonly Uint8Array[]): Uint8Array {
	const { contentType, content, certificates, signers } = parseSignedData(catalog, "catalog");
	const [{ signedAttributesDer, signature, identifier }] = signers;
	if (content === undefined || signedAttributesDer === undefined || identifier.kind !== "issuerAndSerial") {
		throw new Error("not a catalog of ours");
	}
	const signedAttributes = Uint8Array.from(signedAttributesDer);
	signedAttributes[0] = TAG.SET;
	const { issuer, serial } = identifier;
	const certificate = certificates.find((one) => {
		return Buffer.compare(one.issuer.der, issuer.der) === 0 && Buffer.compare(one.serial, serial) === 0;
	});
	if (certificate === undefined) throw new Error("the signer's certificate is missing");
	const algorithm = "rsa-pkcs1-sha256";
	const signer = { algorithm, certificate, signedAttributes, signature, unsignedAttributes } as const;
	return Buffer.concat(encodeSignedData({ contentType, content, certificates, signer }));
}

/** Returns a TimeStampToken over `bytes` for the current time, by an authority that `root` issued. */
function issueToken({ directory, issue, openssl, write }: Workshop, root: Issued, bytes: Uint8Array): Uint8Array {
	const usage = "extendedKeyUsage=critical,timeStamping";
	const extensions = CODE_SIGNER.map((line) => (line.startsWith("extendedKeyUsage") ? usage : line));
	const authority = issue({ subject: "/CN=Time authority", issuer: root, extensions });
	const lines = [
		...["[tsa]", `serial=${write("serial", "01")}`, "default_policy=1.2.3.4"],
		...["digests=sha256", "signer_digest=sha256", "ess_cert_id_alg=sha256"],
	];
	const [query, reply] = [join(directory, "query.tsq"), join(directory, "token.der")];
	openssl("ts", "-query", "-data", write("bytes", bytes), "-sha256", "-cert", "-out", query);
	openssl(
		...["ts", "-reply", "-config", write("ts.cnf", lines.join("\n")), "-section", "tsa", "-queryfile", query],
		...["-signer", authority.file, "-inkey", authority.keyFile, "-token_out", "-out", reply],
	);
	return readFileSync(reply);
}
