import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createVerifier } from "@sigtool/verifier";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTree, temporaryDirectory } from "../../cli/test/support.js";
import { spkiSha256 } from "../../core/dist/pki/certificate.js";
import { encodeAttribute, parseSignedData, withUnsignedAttributes } from "../../core/dist/pki/cms.js";
import { TOKEN_ATTRIBUTE } from "../../core/dist/pki/timestamp.js";
import { signPaths } from "../../core/dist/sign/sign.js";
import { openPemSigner } from "../../core/dist/signer/pem.js";
import { TIME_STAMPER } from "../../core/test/pki/local-tsa.js";
import { CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "../../core/test/pki/openssl.js";
import { tokenAt } from "../../core/test/pki/token-at.js";

const VALID = Date.UTC(2024, 5, 1);
const EXPIRED = { notBefore: "20230101000000Z", notAfter: "20250101000000Z" };

describe("createVerifier() over catalogs whose signer's certificate has expired", () => {
	let workshop: Workshop;
	let root: Issued;
	let signer: Issued;
	let timeRoot: Issued;
	let authority: Issued;
	beforeAll(() => {
		workshop = openWorkshop();
		root = workshop.issue({ subject: "/CN=Root", key: "p256" });
		signer = workshop.issue({ subject: "/CN=Signer", issuer: root, key: "p256", extensions: CODE_SIGNER, ...EXPIRED });
		timeRoot = workshop.issue({ subject: "/CN=Time root", key: "p256" });
		authority = workshop.issue({ subject: "/CN=Time", issuer: timeRoot, key: "p256", extensions: TIME_STAMPER });
	});
	afterAll(() => workshop.remove());

	/** Makes a signed tree, and returns a function that opens a file of it under a host configuration. */
	async function site(stamp: "stamped" | "plain") {
		const home = realpathSync(temporaryDirectory());
		const directory = makeTree(join(home, "app"), { "main.js": "1\n" });
		const catalog = join(home, "app.cat");
		const opened = await openPemSigner({ keyFile: signer.keyFile, certFile: signer.file, unfit: "allow" });
		await signPaths([directory], { signer: opened, output: catalog, product: "app", sequence: 1 });
		if (stamp === "stamped") {
			const bytes = readFileSync(catalog);
			const token = tokenAt(parseSignedData(bytes, "catalog").signers[0].signature, VALID, authority);
			writeFileSync(catalog, Buffer.concat(withUnsignedAttributes(bytes, [encodeAttribute(TOKEN_ATTRIBUTE, token)])));
		}
		return (members: object) => {
			const config = join(home, "verifier.json");
			writeFileSync(config, JSON.stringify({ version: 1, ...members }), { mode: 0o600 });
			// Development is allowed, because the files belong to the user that runs the tests, who need not be root.
			const verifier = createVerifier({ config, catalogs: [{ directory, files: [catalog] }], development: "allow" });
			return Buffer.from(verifier.openCodeSync(join(directory, "main.js"))).toString();
		};
	}
	const pins = () => [{ "spki-sha256": spkiSha256(signer.certificate) }];
	const authorities = () => [{ certificate: root.file, subject: "CN=Signer" }];
	const timestampAuthorities = () => [{ certificate: timeRoot.file }];
	const expired = expect.objectContaining({ code: "ERR_CERTIFICATE_EXPIRED" });

	it("accepts a timestamp by an authority of the host configuration, for pins and for authorities", async () => {
		const open = await site("stamped");
		expect(open({ pins: pins(), timestampAuthorities: timestampAuthorities() })).toBe("1\n");
		expect(open({ authorities: authorities(), timestampAuthorities: timestampAuthorities() })).toBe("1\n");
	});

	it("refuses without a timestamp, or without an authority for it", async () => {
		const [stamped, plain] = [await site("stamped"), await site("plain")];
		expect(() => stamped({ pins: pins() })).toThrow(expired);
		expect(() => stamped({ authorities: authorities() })).toThrow(expired);
		// An entry of `authorities` makes an authority trusted for signers with that subject, but not for timestamps.
		expect(() => stamped({ pins: pins(), authorities: [{ certificate: timeRoot.file, subject: "CN=Time" }] })).toThrow(
			expired,
		);
		expect(() => plain({ pins: pins(), timestampAuthorities: timestampAuthorities() })).toThrow(expired);
	});
});
