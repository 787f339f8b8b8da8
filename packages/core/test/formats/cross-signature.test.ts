/** Tests the check for content that IMA must not sign, also with certificates, lists and signatures made by OpenSSL. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { context, DerReader, encode, octetString, sequence, TAG } from "../../dist/asn1/der.js";
import { createCrossSignatureCheck } from "../../dist/formats/cross-signature.js";
import { evmPortableMessage } from "../../dist/formats/evm.js";
import { IMA_ATTRIBUTE, verityMessage } from "../../dist/formats/ima.js";
import { encodeAttribute, encodeSignedAttributes } from "../../dist/pki/cms.js";

const CERTIFICATE = "the signed part of a certificate or revocation list";
const CMS = "the signed attributes of a CMS signature";
const VERITY = "the message that is signed for a file with fs-verity";
const EVM = "the message that is signed for EVM";

/** Returns the result of the check for `content` in one piece. The check must have the same result for single bytes. */
function foundIn(content: Uint8Array): string | undefined {
	const [whole, bytewise] = [content.length || 1, 1].map((step) => {
		const check = createCrossSignatureCheck();
		for (let at = 0; at < content.length; at += step) check.update(content.subarray(at, at + step));
		return check.found();
	});
	expect(bytewise).toBe(whole);
	return whole;
}

describe("createCrossSignatureCheck()", () => {
	it("recognises the signed attributes of a catalog", () => {
		const digest = encodeAttribute("1.2.840.113549.1.9.4", octetString(new Uint8Array(32)));
		expect(foundIn(encodeSignedAttributes([digest]))).toBe(CMS);
		for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
			expect(foundIn(encodeSignedAttributes([encodeAttribute("1.2.3", octetString(new Uint8Array(length)))]))).toBe(
				CMS,
			);
		}
	});

	it("accepts bytes that only begin like a set, as one in 65,536 random files does", () => {
		expect(foundIn(Buffer.concat([Buffer.of(TAG.SET, 0x80, 0xbb, 0x75), Buffer.alloc(100, 0x71)]))).toBeUndefined();
		expect(foundIn(encode(TAG.SET, Buffer.alloc(100, 0x71)))).toBeUndefined();
		expect(foundIn(Buffer.concat([Buffer.of(TAG.SET, 0x80), sequence(encode(TAG.OID, Buffer.of(42)))]))).toBe(CMS);
	});

	it("recognises the messages of fs-verity signatures", () => {
		for (const [digest, number, size] of [
			["sha256", 1, 32],
			["sha512", 2, 64],
		] as const) {
			expect(foundIn(verityMessage(digest, new Uint8Array(size)))).toBe(VERITY);
			expect(foundIn(Buffer.concat([Buffer.from("FSVerity"), Buffer.of(number, 0, size, 0), Buffer.alloc(size)]))).toBe(
				VERITY,
			);
		}
	});

	it("recognises the message of an EVM signature for any file mode", () => {
		for (const mode of [0o100644, 0o104755, 0o100000, 0o107777]) {
			const attributes = new Map([[IMA_ATTRIBUTE, Buffer.from(`0404${"ab".repeat(32)}`, "hex")]]);
			expect(foundIn(evmPortableMessage({ attributes, uid: 1000, gid: 2 ** 32 - 1, mode }))).toBe(EVM);
		}
	});

	it("recognises an OCSP response, and a certificate whose lengths are indefinite", () => {
		const responder = encode(context(1), sequence());
		expect(foundIn(sequence(responder, encode(0x18, Buffer.from("20260101000000Z")), sequence()))).toBe(CERTIFICATE);
		const version = encode(context(0), encode(TAG.INTEGER, Buffer.of(0)));
		expect(foundIn(sequence(version, responder))).toBe(CERTIFICATE);
		const inner = Buffer.from("a003020102020101300d06092a864886f70d01010b0500", "hex");
		expect(foundIn(Buffer.concat([Buffer.of(0x30, 0x80), inner, Buffer.of(0x30, 0x00, 0, 0)]))).toBe(CERTIFICATE);
	});

	it("accepts other content", () => {
		const set = encode(TAG.SET, new Uint8Array(300));
		for (const content of [
			Buffer.alloc(0),
			Buffer.from("1"),
			Buffer.from("1234"),
			Buffer.alloc(500),
			Buffer.concat([set, Buffer.of(0)]),
			set.subarray(0, -1),
			encode(TAG.SEQUENCE, new Uint8Array(9)),
			Buffer.alloc(34, 6),
			Buffer.concat([verityMessage("sha256", new Uint8Array(32)), Buffer.of(0)]),
			readFileSync(process.execPath).subarray(0, 100_000),
		]) {
			expect(foundIn(content)).toBe(undefined);
		}
	});
});

describe("createCrossSignatureCheck() and files by OpenSSL", () => {
	const home = temporaryDirectory(atEndOfFile);
	const at = (name: string) => join(home, name);
	const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe", cwd: home });
	const make = (name: string, ...key: string[]) => {
		openssl(
			"req",
			"-x509",
			"-nodes",
			"-newkey",
			...key,
			"-keyout",
			`${name}.key`,
			"-out",
			name,
			"-outform",
			"DER",
			"-subj",
			`/CN=${name}`,
		);
		return readFileSync(at(name));
	};

	it.each([
		["rsa", ["rsa:2048"]],
		["pss", ["rsa:2048", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]],
		["ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]],
		["ed25519", ["ed25519"]],
	])("recognises the inner part of a certificate, %s, and not the certificate", (name, key) => {
		const certificate = make(`${name}.cer`, ...key);
		expect(foundIn(certificate)).toBe(undefined);
		expect(foundIn(innerPart(certificate))).toBe(CERTIFICATE);
	});

	it("recognises the signed part of a revocation list, but accepts the whole list", () => {
		make("ca.cer", "rsa:2048");
		openssl("x509", "-inform", "DER", "-in", "ca.cer", "-out", "ca.pem");
		writeFileSync(at("index.txt"), "");
		writeFileSync(
			at("ca.conf"),
			"[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=1\n",
		);
		openssl("ca", "-gencrl", "-config", "ca.conf", "-keyfile", "ca.cer.key", "-cert", "ca.pem", "-out", "crl.pem");
		openssl("crl", "-in", "crl.pem", "-outform", "DER", "-out", "crl.der");
		const list = readFileSync(at("crl.der"));
		expect(foundIn(list)).toBe(undefined);
		expect(foundIn(innerPart(list))).toBe(CERTIFICATE);
	});

	it("accepts keys, requests and containers", () => {
		make("x.cer", "rsa:2048");
		openssl("x509", "-inform", "DER", "-in", "x.cer", "-out", "x.pem");
		const commands: readonly (readonly string[])[] = [
			["pkcs8", "-topk8", "-nocrypt", "-in", "x.cer.key", "-outform", "DER", "-out", "x.p8"],
			["pkcs8", "-topk8", "-passout", "pass:x", "-in", "x.cer.key", "-outform", "DER", "-out", "x.enc"],
			["rsa", "-in", "x.cer.key", "-traditional", "-outform", "DER", "-out", "x.rsa"],
			["pkey", "-in", "x.cer.key", "-pubout", "-outform", "DER", "-out", "x.pub"],
			["req", "-new", "-key", "x.cer.key", "-subj", "/CN=x", "-outform", "DER", "-out", "x.csr"],
			["pkcs12", "-export", "-in", "x.pem", "-inkey", "x.cer.key", "-passout", "pass:x", "-out", "x.p12"],
			["crl2pkcs7", "-nocrl", "-certfile", "x.pem", "-outform", "DER", "-out", "x.p7b"],
		];
		for (const command of commands) {
			openssl(...command);
			expect([command[0], foundIn(readFileSync(at(command.at(-1) ?? "")))]).toEqual([command[0], undefined]);
		}
	});
});

/** Returns the first element in a SEQUENCE. */
function innerPart(der: Uint8Array): Uint8Array {
	const reader = new DerReader(der, "file");
	reader.open(TAG.SEQUENCE);
	return reader.element(TAG.SEQUENCE);
}
