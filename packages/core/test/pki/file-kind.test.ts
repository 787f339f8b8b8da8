import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { encode, integer, octetString, oid, sequence, TAG } from "../../dist/asn1/der.js";
import { describeFileBytes, type FileKind } from "../../dist/pki/file-kind.js";

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const key = createPrivateKey(privateKey.export({ format: "pem", type: "pkcs8" }));
const bytes = (text: string) => Buffer.from(text, "latin1");
const certificate = sequence(sequence(integer(1), sequence()), sequence(oid("1.2.3")), octetString(Buffer.alloc(4)));
const catalog = sequence(oid("1.2.840.113549.1.7.2"), encode(0xa0, sequence(oid("1.3.6.1.4.1.311.10.1"))));

describe("describeFileBytes()", () => {
	it.each<[FileKind, Uint8Array]>([
		["empty", bytes("")],
		["text", bytes("hello\nworld\n")],
		["text", Buffer.from("größer\n")],
		["PEM certificate", bytes("some text\n-----BEGIN CERTIFICATE-----\nAAAA\n")],
		["PEM private key", bytes(String(privateKey.export({ format: "pem", type: "sec1" })))],
		["PEM private key", bytes("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")],
		["other PEM", bytes("-----BEGIN CERTIFICATE REQUEST-----\n")],
		["private key", key.export({ format: "der", type: "pkcs8" })],
		["private key", key.export({ format: "der", type: "sec1" })],
		["PKCS#12 container", sequence(integer(3), sequence())],
		["certificate", certificate],
		["catalog", catalog],
		["signed data", sequence(oid("1.2.840.113549.1.7.2"))],
		["cut off", catalog.subarray(0, 20)],
		["cut off", certificate.subarray(0, -1)],
		["trust index", Buffer.from("8953494758", "hex")],
		["archive", bytes("PK\x03\x04rest")],
		["program", bytes("\x7fELF")],
		["unknown", Buffer.alloc(100)],
		["unknown", Uint8Array.of(TAG.SEQUENCE, 0)],
		["unknown", Uint8Array.of(TAG.SEQUENCE, 2, 5, 0)],
	])("recognises: %s", (kind, content) => {
		expect(describeFileBytes(content).kind).toBe(kind);
	});

	it("says how much of a file is there", () => {
		const large = encode(TAG.SEQUENCE, Buffer.alloc(100_000));
		expect(describeFileBytes(large.subarray(0, 1234)).text).toBe(
			"cut off, only 1,234 of 100,005 bytes are there; copy it again",
		);
	});

	it("throws for no bytes at all", () => {
		for (let length = 0; length < 8; length++) {
			for (let first = 0; first < 256; first++) {
				describeFileBytes(Uint8Array.of(first, ...Array.from({ length }, () => 0xff)));
				describeFileBytes(Uint8Array.of(TAG.SEQUENCE, first, ...Array.from({ length }, () => 0x30)));
			}
		}
	});
});
