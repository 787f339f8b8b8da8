import { chmodSync, closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { entriesByPath } from "../../dist/formats/cat-entries.js";
import { encodeImaDigest } from "../../dist/formats/ima.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { type SignOptions, signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { loadAttributes } from "../../dist/system/attributes.js";
import { readCatalogFile } from "../../dist/verify/catalog-file.js";
import { verifyAttributes } from "../../dist/verify/verify-attributes.js";
import { verifyCatalog } from "../../dist/verify/verify-catalog.js";
import { tempTree } from "../fileset/temp-tree.js";
import { certificateFor, expectRejection, p256 } from "../signer/material.js";

const key = p256();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const strangerKey = p256();
const stranger = signerFromKey(strangerKey, [certificateFor(strangerKey)]);
const trust = trustFromCertificates([certificate]);

const access = await loadAttributes().catch(() => undefined);
const canWrite = access !== undefined && canWriteHere();

describe.skipIf(!canWrite)(
	"signPaths() with attributes to carry (needs @sigtool/native or fs-xattr and user.*)",
	() => {
		it("carries values that the run wrote, and old ones that match the content", async () => {
			const root = tempTree({ a: "a", b: "b" });
			await sign(root, ["ima-hash", "evm"]);
			const { catalog } = await sign(root, ["cat"], { carry: "ima" });
			expect(catalog?.carryingCount).toBe(2);
			const both = ["user.ima", "user.evm"];
			expect(carried(catalog?.file)).toEqual({ a: both, b: both });
		});

		it("refuses an old value that does not match the content, except a signature by another key", async () => {
			const root = tempTree({ a: "a" });
			write(root, "a", "user.ima", encodeImaDigest("sha256", new Uint8Array(32)));
			await expectRejection("ERR_FILE_MODIFIED", sign(root, ["cat"], { carry: "ima" }));
			await sign(root, ["ima"]);
			writeFileSync(join(root, "a"), "another");
			await expectRejection("ERR_SIGNATURE", sign(root, ["cat"], { carry: "ima" }));
			expect((await sign(root, ["cat"], { carry: "ima", signer: stranger })).catalog?.carryingCount).toBe(1);
			expect((await sign(root, ["cat", "ima"], { carry: "ima" })).catalog?.carryingCount).toBe(1);
		});

		it("does not carry values that are valid on one machine only", async () => {
			const root = tempTree({ a: "a" });
			await sign(root, ["ima"]);
			write(root, "a", "user.evm", Buffer.concat([Buffer.of(2), Buffer.alloc(20)]));
			const { catalog } = await sign(root, ["cat"], { carry: "ima" });
			expect(carried(catalog?.file)).toEqual({ a: ["user.ima"] });
		});

		it("counts EVM signatures that the run makes invalid, and does not carry them", async () => {
			const root = tempTree({ a: "a", b: "b" });
			await sign(root, ["ima-hash", "evm"]);
			const { overtakenCount, catalog } = await sign(root, ["cat", "ima"], { carry: "ima" });
			expect(overtakenCount).toBe(2);
			expect(carried(catalog?.file)).toEqual({ a: ["user.ima"], b: ["user.ima"] });
			const again = await sign(root, ["ima", "evm"]);
			expect(again.overtakenCount).toBe(0);
			expect((await verify(root, "evm")).verdict).toBe("trusted");
			chmodSync(join(root, "a"), 0o600);
			expect((await sign(root, ["ima"])).overtakenCount).toBe(0);
		});
	},
);

describe.skipIf(!canWrite)(
	"content that is what a signature elsewhere is made over (needs @sigtool/native or fs-xattr and user.*)",
	() => {
		const attributes = Buffer.from("310a300806012a3103040100", "hex");

		it("is not signed for IMA", async () => {
			const root = tempTree({ a: "a" });
			writeFileSync(join(root, "set"), attributes);
			const { message } = await expectRejection("ERR_CROSS_SIGNATURE", sign(root, ["ima"]));
			expect(message).toContain('"set" for IMA: its content is the signed attributes of a CMS signature');
			await sign(root, ["ima-verity"]);
			expect((await verify(root, "ima-verity")).verdict).toBe("trusted");
		});

		it("is not trusted with an IMA signature that is trusted for other content", async () => {
			for (const content of [attributes, Buffer.concat([attributes, Buffer.of(0)])]) {
				const root = tempTree({ a: "a" });
				writeFileSync(join(root, "a"), content);
				const signing = signer.begin("sha256");
				signing.update(content);
				const header = Buffer.concat([Buffer.from("030204", "hex"), keyId()]);
				const signature = signing.sign();
				write(root, "a", "user.ima", Buffer.concat([header, Buffer.of(0, signature.length), signature]));
				const { verdict, findings } = await verify(root, "ima");
				if (content === attributes) expect(findings).toMatchObject([{ code: "ERR_CROSS_SIGNATURE", path: "a" }]);
				else expect(verdict).toBe("trusted");
			}
		});
	},
);

describe.skipIf(!canWrite)("signPaths() for attributes alone (needs @sigtool/native or fs-xattr)", () => {
	it("refuses a tree without files, and a link", async () => {
		const root = tempTree({ "real/a": "a", "links/b": { link: "../real/a" } });
		for (const path of ["links", "links/b"]) await expectRejection("ERR_USAGE", sign(join(root, path), ["ima"]));
	});

	it.each(["security.ima", "user.evm", "security.capability"])(
		"refuses to keep spython's hash as %s",
		async (attribute) => {
			await expectRejection("ERR_USAGE", sign(tempTree({ a: "a" }), ["spython"], { attribute }));
		},
	);
});

function sign(root: string, formats: SignOptions["formats"], options: Partial<SignOptions> = {}) {
	return signPaths([root], { formats, namespace: "user", signer, ...options });
}

function verify(root: string, format: "ima" | "ima-verity" | "evm") {
	return verifyAttributes(root, { formats: [format], namespace: "user", trust });
}

/** Returns the names of the attributes that a catalog carries, by entry. */
function carried(file = ""): Record<string, string[]> {
	const { catalog, facts } = verifyCatalog(readCatalogFile(file), { trust });
	const { files } = entriesByPath(catalog, facts, 32);
	return Object.fromEntries(
		Array.from(files, ([path, entry]) => [path, (entry.carried ?? []).map(({ name }) => name)]),
	);
}

function keyId(): Buffer {
	return Buffer.from(certificate.extensions.subjectKeyId ?? []).subarray(-4);
}

function write(root: string, path: string, name: string, value: Uint8Array): void {
	const descriptor = openSync(join(root, path), "r");
	access?.write(descriptor, name, value);
	closeSync(descriptor);
}

function canWriteHere(): boolean {
	const directory = temporaryDirectory(atEndOfFile);
	try {
		writeFileSync(join(directory, "a"), "");
		write(directory, "a", "user.ima", Buffer.of(1));
		return true;
	} catch {
		return false;
	}
}
