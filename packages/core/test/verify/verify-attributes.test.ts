import { createHash } from "node:crypto";
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { AttributeFormat } from "../../dist/formats/attribute-format.js";
import { encodeEvmSignature, evmPortableMessage, readEvmSubject } from "../../dist/formats/evm.js";
import { encodeImaDigest } from "../../dist/formats/ima.js";
import { keyIdOf } from "../../dist/pki/attribute-keys.js";
import { spkiSha256 } from "../../dist/pki/certificate.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { stripAttributes } from "../../dist/rewrite/strip-attributes.js";
import { signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import type { AttributeAccess } from "../../dist/system/attributes.js";
import { loadNative } from "../../dist/system/native.js";
import { type AttributeVerifyOptions, verifyAttributes } from "../../dist/verify/verify-attributes.js";
import { tempTree } from "../fileset/temp-tree.js";
import { certificateFor, expectRejection, p256 } from "../signer/material.js";
import { userAttributes, withFile } from "../system/user-attributes.js";

const needs = "(needs @sigtool/native or fs-xattr, and user attributes in the temporary folder)";
const found = await userAttributes();
const isRoot = process.getuid?.() === 0;

const access = found as AttributeAccess; // Tests that use it are skipped if it is undefined.
const read = (path: string, name: string) => withFile(path, (descriptor) => access.read(descriptor, name));
const write = (path: string, name: string, value: Uint8Array) => {
	withFile(path, (descriptor) => access.write(descriptor, name, value));
};

const key = p256();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);

function sign(root: string, ...formats: AttributeFormat[]) {
	return signPaths([root], { formats, namespace: "user", signer });
}

function verify(root: string, formats: readonly AttributeFormat[], options: Partial<AttributeVerifyOptions> = {}) {
	return verifyAttributes(root, {
		formats,
		namespace: "user",
		trust: trustFromCertificates([certificate]),
		...options,
	});
}

/** Returns for each format the status and the code of the only file. */
async function verdicts(root: string, ...formats: AttributeFormat[]): Promise<string[]> {
	const { attributes } = await verify(root, formats);
	return attributes.map(({ format, status, code }) => [format, status, code].join(" ").trim());
}

const imaHash = (content: string) => encodeImaDigest("sha256", createHash("sha256").update(content).digest());

describe.skipIf(found === undefined)(`verifyAttributes() ${needs}`, () => {
	it("verifies every regular file despite ignore rules, but no link and not the tree's catalog", async () => {
		const root = tempTree({ ".sigtoolignore": "ignored\n", ignored: "i", "lib/a": "a", link: { link: "lib/a" } });
		await signPaths([root], { formats: ["cat", "ima"], namespace: "user", signer });
		const { attributes, fileCount, linkCount, verdict } = await verify(root, ["ima"]);
		expect(attributes.map(({ path, status }) => [path, status])).toEqual([
			[".sigtoolignore", "trusted"],
			["ignored", "unsigned"],
			["lib/a", "trusted"],
		]);
		expect({ fileCount, linkCount, verdict }).toEqual({ fileCount: 3, linkCount: 1, verdict: "failed" });
	});

	it("skips a catalog only when its signature is valid", async () => {
		const root = tempTree({ a: "a" });
		await signPaths([root], { formats: ["cat", "ima"], namespace: "user", signer });
		const name = `${basename(root)}.cat`;
		expect(await verify(root, ["ima"])).toMatchObject({ verdict: "trusted", passedOver: name, fileCount: 1 });
		await signPaths([root], { signer: "none" });
		const { verdict, passedOver, findings } = await verify(root, ["ima"]);
		expect({ verdict, passedOver }).toEqual({ verdict: "failed", passedOver: undefined });
		expect(findings).toMatchObject([{ code: "ERR_UNSIGNED", path: name, format: "ima" }]);
	});

	it("refuses a denied file, and signatures by a denied key", async () => {
		const root = tempTree({ a: "a", b: "b" });
		await sign(root, "ima");
		const trust = trustFromCertificates([certificate]);
		const sha256 = createHash("sha256").update("b").digest("hex");
		const file = { ...trust, deny: [{ kind: "file", sha256, reason: "worm" }] } as const;
		expect(await verify(root, ["ima"], { trust: file })).toMatchObject({
			verdict: "failed",
			findings: [{ code: "ERR_DENIED", path: "b", message: '"b" is denied: worm' }],
		});
		const key = { ...trust, deny: [{ kind: "key", sha256: spkiSha256(certificate), reason: "stolen" }] } as const;
		const { findings } = await verify(root, ["ima"], { trust: key });
		expect(findings).toMatchObject([{ code: "ERR_DENIED" }, { code: "ERR_DENIED" }]);
	});

	it("fails with ERR_UNSIGNED when there are no files", async () => {
		const { verdict, findings } = await verify(tempTree(), ["ima"], { bareHashes: "accept" });
		expect({ verdict, findings }).toMatchObject({ verdict: "failed", findings: [{ code: "ERR_UNSIGNED" }] });
		await expectRejection("ERR_ROOT_MISSING", verify("/nowhere/at all", ["ima"]));
	});

	it.each<[string, (path: string) => void]>([
		["mode", (path) => chmodSync(path, 0o755)],
		["IMA attribute, though the new one fits", (path) => write(path, "user.ima", imaHash("content"))],
		[
			"content along with its hash",
			(path) => {
				writeFileSync(path, "another");
				write(path, "user.ima", imaHash("another"));
			},
		],
	])("finds that EVM's signature does not hold after a change of the %s", async (_, change) => {
		const root = tempTree({ file: { content: "content", mode: 0o644 } });
		await sign(root, "ima", "evm");
		expect(await verdicts(root, "evm")).toEqual(["evm trusted"]);
		change(join(root, "file"));
		expect(await verdicts(root, "evm")).toEqual(["evm mismatch ERR_SIGNATURE"]);
	});

	it.skipIf(!isRoot)("refuses an EVM signature after a change of owner or group (needs root)", async () => {
		for (const [uid, gid] of [
			[65534, 0],
			[0, 65534],
		]) {
			const root = tempTree({ file: { content: "content", mode: 0o644 } });
			await sign(root, "ima", "evm");
			chownSync(join(root, "file"), uid, gid);
			expect(await verdicts(root, "ima", "evm")).toEqual(["ima trusted", "evm mismatch ERR_SIGNATURE"]);
		}
	});

	it("refuses an EVM signature when IMA's value does not match the content", async () => {
		const root = tempTree({ file: "content" });
		await sign(root, "ima-hash", "evm");
		expect(await verdicts(root, "evm")).toEqual(["evm trusted"]);
		writeFileSync(join(root, "file"), "another");
		expect(await verdicts(root, "evm")).toEqual(["evm mismatch ERR_FILE_MODIFIED"]);
		withFile(join(root, "file"), (descriptor) => access.remove(descriptor, "user.ima"));
		const [verdict] = await verdicts(root, "evm");
		expect(verdict).toBe("evm mismatch ERR_SIGNATURE");
	});

	it.each(["sign", "verify", "strip"])("%s refuses an attribute name with NUL before it opens a file", async (verb) => {
		const root = tempTree({ file: "content" });
		const naming = { formats: ["spython"], attribute: "user.a\0b" } as const;
		const trust = trustFromCertificates([certificate]);
		const run = {
			sign: () => signPaths([root], { ...naming, signer: "none" }),
			strip: () => stripAttributes(root, naming),
		};
		const promise = verb === "verify" ? verifyAttributes(root, { ...naming, trust }) : run[verb as "sign" | "strip"]();
		const { message } = await expectRejection("ERR_USAGE", promise);
		expect(message).toContain('"user.a\\u0000b"');
		expect(read(join(root, "file"), "user.a")).toBeUndefined();
	});
});

/** Writes an EVM signature over the file's present attributes, without checking its content. */
function signEvmBlindly(path: string): void {
	const { uid, gid, mode } = statSync(path);
	const subject = readEvmSubject("user.evm", { uid, gid, mode }, (name) => read(path, name));
	const signature = signer.begin("sha256");
	signature.update(evmPortableMessage(subject));
	const value = { algorithm: "sha256", keyId: keyIdOf(certificate), signature: signature.sign() } as const;
	write(path, "user.evm", encodeEvmSignature(value));
}

describe.skipIf(found === undefined)(`signPaths() for EVM ${needs}`, () => {
	/** Creates a file whose IMA attribute was made for other content. */
	function prepared(): { readonly root: string; readonly path: string } {
		const root = tempTree({ file: { content: "content", mode: 0o644 } });
		write(join(root, "file"), "user.ima", imaHash("another"));
		return { root, path: join(root, "file") };
	}

	it("does not sign an IMA attribute of other content, which would become trusted", async () => {
		const { root, path } = prepared();
		const { message, path: named } = await expectRejection("ERR_FILE_MODIFIED", sign(root, "evm"));
		expect(message).toContain('"file" for EVM: its IMA attribute does not fit its content');
		expect(named).toBe("file");
		expect(read(path, "user.evm")).toBeUndefined();

		signEvmBlindly(path);
		writeFileSync(path, "another");
		expect(await verdicts(root, "evm")).toEqual(["evm trusted"]);
	});

	it("signs after writing IMA's value, in whatever order the formats are given", async () => {
		const { root } = prepared();
		const { attributes } = await sign(root, "evm", "ima");
		expect(attributes).toMatchObject([
			{ format: "ima", writtenCount: 1 },
			{ format: "evm", writtenCount: 1 },
		]);
		expect(await verdicts(root, "ima", "evm")).toEqual(["ima trusted", "evm trusted"]);
		expect((await sign(root, "evm", "ima")).attributes).toMatchObject([{ unchangedCount: 1 }, { unchangedCount: 1 }]);
	});

	it.each(["sha256", "sha384", "sha512"] as const)("signs a matching hash in %s", async (digest) => {
		const root = tempTree({ file: "content", empty: "", big: Buffer.alloc(600_000, "big ") });
		await signPaths([root], { formats: ["ima-hash"], digest, namespace: "user", signer: "none" });
		await sign(root, "evm");
		expect(await verify(root, ["evm"])).toMatchObject({ verdict: "trusted", counts: { trusted: 3 } });
	});

	it("signs another key's IMA signature, and both are trusted when both keys are", async () => {
		const root = tempTree({ file: "content" });
		const otherKey = p256();
		const other = certificateFor(otherKey, "Other");
		const options = { namespace: "user", signer: signerFromKey(otherKey, [other]) } as const;
		await signPaths([root], { formats: ["ima"], ...options });
		await sign(root, "evm");
		expect(await verdicts(root, "evm")).toEqual(["evm untrusted-signer ERR_UNTRUSTED_SIGNER"]);
		const trust = trustFromCertificates([certificate, other]);
		expect(await verify(root, ["evm"], { trust })).toMatchObject({ verdict: "trusted" });
	});

	it("signs neither its own key's signature of earlier content nor a weak hash", async () => {
		const root = tempTree({ file: "content" });
		const path = join(root, "file");
		await sign(root, "ima");
		writeFileSync(path, "another");
		await expectRejection("ERR_SIGNATURE", sign(root, "evm"));
		const sha1 = createHash("sha1").update(readFileSync(path)).digest();
		write(path, "user.ima", Buffer.concat([Buffer.of(1), sha1]));
		await expectRejection("ERR_WEAK_DIGEST", sign(root, "evm"));
		write(path, "user.ima", Buffer.of(4, 4, 0));
		await expectRejection("ERR_ATTRIBUTE_FORMAT", sign(root, "evm"));
		expect(read(path, "user.evm")).toBeUndefined();
	});

	it.each<["write" | "read", AttributeFormat[], number]>([
		["write", ["ima", "evm"], 1],
		["read", ["evm"], 2],
	])("takes all back when IMA's attribute is replaced after a %s by %s", async (call, formats, times) => {
		const root = tempTree({ file: "content" });
		const path = join(root, "file");
		write(path, "user.ima", imaHash("content"));
		// A file that is old enough is read only once. So its times do not show that it changed meanwhile.
		vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_000);
		const replaced = replaceAfter(call, times, path, imaHash("another"));
		await expectRejection("ERR_FILE_CHANGED", sign(root, ...formats));
		expect(replaced()).toBe(true);
		expect(read(path, "user.evm")).toBeUndefined();
	});
});

/**
 * Replaces the file's IMA attribute right after the `times`-th `call` for this attribute. The returned function tells if
 * that has happened.
 */
function replaceAfter(call: "write" | "read", times: number, path: string, value: Uint8Array): () => boolean {
	const { addon, name, callsEach } = attributeAddon(call);
	const original = addon[name];
	let calls = 0;
	let replacing = false;
	vi.spyOn(addon, name).mockImplementation((file, attribute, ...rest) => {
		const result = original(file, attribute, ...rest);
		if (!replacing && attribute === "user.ima" && ++calls === times * callsEach) {
			replacing = true;
			write(path, "user.ima", value);
		}
		return result;
	});
	onTestFinished(() => void vi.restoreAllMocks());
	return () => replacing;
}

/** Returns the addon that reaches attributes, and its function for a call. With fs-xattr, a read is two calls. */
function attributeAddon(call: "write" | "read") {
	type Addon = Record<string, (file: string | number, name: string, value?: Uint8Array) => unknown>;
	const native = loadNative();
	if (native?.readAttribute !== undefined) {
		return { addon: native as unknown as Addon, name: `${call}Attribute`, callsEach: 1 };
	}
	const require = createRequire(createRequire(new URL("../../package.json", import.meta.url)).resolve("fs-xattr"));
	const addon: Addon = require("./build/Release/xattr");
	return { addon, name: call === "write" ? "setSync" : "getSync", callsEach: call === "write" ? 1 : 2 };
}
