import { chmodSync, chownSync, statSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EVM_PROTECTED_ATTRIBUTES, encodeEvmSignature, evmPortableMessage, parseEvm } from "../../dist/formats/evm.js";
import { encodeImaDigest, encodeImaSignature } from "../../dist/formats/ima.js";
import { requireEvidence } from "../../dist/formats/integrity-signature.js";
import { keyIdOf } from "../../dist/pki/attribute-keys.js";
import { publicKeyOf } from "../../dist/pki/certificate.js";
import { createContentVerifier } from "../../dist/pki/signature-algorithm.js";
import { expectError } from "../pki/expect-error.js";
import {
	type EvmctlKey,
	getAttribute,
	hasEvmctl,
	isRoot,
	KEYS,
	type KeyName,
	openBench,
	setAttribute,
} from "./evmctl.js";

const SIGNATURE = { algorithm: "sha256", keyId: "00f1bd24", signature: Buffer.alloc(70, 7) } as const;
const portable = encodeEvmSignature(SIGNATURE);
const IMA = encodeImaDigest("sha256", new Uint8Array(32));

describe("parseEvm()", () => {
	it("parses and encodes the portable signature in the documented layout", () => {
		expect(Buffer.from(portable).toString("hex")).toBe(`05020400f1bd240046${"07".repeat(70)}`);
		expect(parseEvm(portable)).toEqual({ kind: "portable-signature", ...SIGNATURE });
	});

	it("parses every signature that was encoded", () => {
		const signatures = fc.uint8Array({ minLength: 1, maxLength: 1015 }).map((bytes) => Buffer.from(bytes));
		fc.assert(
			fc.property(signatures, (signature) => {
				const value = encodeEvmSignature({ ...SIGNATURE, signature });
				expect(parseEvm(value)).toEqual({ kind: "portable-signature", ...SIGNATURE, signature });
			}),
		);
	});

	it("tells the kinds that cannot be verified: an HMAC, and a signature bound to an inode", () => {
		expect(parseEvm(Buffer.concat([Buffer.of(2), Buffer.alloc(20)]))).toEqual({ kind: "hmac" });
		const bound = Buffer.from(portable).fill(3, 0, 1);
		expect(parseEvm(bound)).toEqual({ kind: "inode-signature", ...SIGNATURE });
	});

	it("refuses every truncated value, and one with a byte more", () => {
		for (const value of [portable, Buffer.concat([Buffer.of(2), Buffer.alloc(20)])]) {
			for (let length = 0; length < value.length; length++) {
				expectError("ERR_ATTRIBUTE_FORMAT", () => parseEvm(value.subarray(0, length)));
			}
			expectError("ERR_ATTRIBUTE_FORMAT", () => parseEvm(Buffer.concat([value, Buffer.of(0)])));
		}
	});

	it("refuses unknown types, versions and algorithms", () => {
		for (let byte = 0; byte < 256; byte++) {
			const changed = (index: number) => Buffer.from(portable).fill(byte, index, index + 1);
			if (![3, 5].includes(byte)) expectError("ERR_ATTRIBUTE_FORMAT", () => parseEvm(changed(0)));
			if (byte !== 2) expectError("ERR_ATTRIBUTE_FORMAT", () => parseEvm(changed(1)));
			if (![1, 2, 4, 5, 6].includes(byte)) expectError("ERR_UNSUPPORTED_ALGORITHM", () => parseEvm(changed(2)));
		}
	});
});

describe("evmPortableMessage()", () => {
	const subject = { uid: 0x01020304, gid: 0xfffffffe, mode: 0o100755 };

	it("puts the values in the kernel's order, then owner, group and mode in the kernel's layout", () => {
		const attributes = new Map([...EVM_PROTECTED_ATTRIBUTES].reverse().map((name) => [name, Buffer.from(`<${name}>`)]));
		const message = Buffer.from(evmPortableMessage({ ...subject, attributes }));
		const values = EVM_PROTECTED_ATTRIBUTES.map((name) => `<${name}>`).join("");
		expect(message.subarray(0, -24).toString("latin1")).toBe(values);
		expect(message.subarray(-24).toString("hex")).toBe(`${"00".repeat(12)}04030201feffffffed810000`);
	});

	it("covers no attribute that is not on the list", () => {
		const attributes = new Map([["security.ima", IMA]]);
		const more = new Map([...attributes, ["user.ima", IMA], ["security.evm", IMA]]);
		expect(evmPortableMessage({ ...subject, attributes: more })).toEqual(
			evmPortableMessage({ ...subject, attributes }),
		);
	});

	it("refuses a file without a value for IMA", () => {
		expectError("ERR_UNSIGNED", () => evmPortableMessage({ ...subject, attributes: new Map() }));
	});
});

const keyNames = Object.keys(KEYS) as KeyName[]; // The type assertion is safe: KEYS has no other keys.

describe.skipIf(!hasEvmctl)("EVM attributes and evmctl (needs evmctl and attr)", () => {
	const bench = openBench();

	type Namespace = "user" | "security";

	/** Returns the EVM message of a file in its present state. */
	function messageOf(path: string, namespace: Namespace = "user"): Uint8Array {
		const { uid, gid, mode } = statSync(path);
		const attributes = new Map<string, Uint8Array>();
		for (const name of EVM_PROTECTED_ATTRIBUTES) {
			const value = getAttribute(path, name === "security.ima" ? `${namespace}.ima` : name);
			if (value !== undefined) attributes.set(name, value);
		}
		return evmPortableMessage({ attributes, uid, gid, mode });
	}

	/** Creates a new file with mode 0640. */
	function newFile(): string {
		const path = bench.file("file", "content");
		chmodSync(path, 0o640);
		return path;
	}

	/** Writes sigtool's IMA and EVM attributes to the file. */
	function sign(path: string, { certificate, signer }: EvmctlKey, namespace: Namespace = "user"): void {
		const keyId = keyIdOf(certificate);
		const signatureOver = (bytes: Uint8Array) => {
			const signing = signer.begin("sha256");
			signing.update(bytes);
			return { algorithm: "sha256", keyId, signature: signing.sign() } as const;
		};
		setAttribute(path, `${namespace}.ima`, encodeImaSignature(signatureOver(Buffer.from("content"))));
		setAttribute(path, `${namespace}.evm`, encodeEvmSignature(signatureOver(messageOf(path, namespace))));
	}

	function isAccepted(path: string, { certificateFile }: EvmctlKey, ...options: string[]): boolean {
		return bench.evmctl(["verify", ...options, "-k", certificateFile, path]).accepted;
	}

	it.each(keyNames)("evmctl accepts sigtool's signature with %s until the mode changes", (keyName) => {
		const key = bench.key(keyName);
		const path = newFile();
		sign(path, key);
		expect(isAccepted(path, key, "--xattr-user")).toBe(true);
		chmodSync(path, 0o644);
		expect(isAccepted(path, key, "--xattr-user")).toBe(false);
		chmodSync(path, 0o640);
		expect(isAccepted(path, key, "--xattr-user")).toBe(true);
	});

	it("evmctl accepts sigtool's signature until the IMA attribute changes", () => {
		const key = bench.key("P-256");
		const path = newFile();
		sign(path, key);
		setAttribute(path, "user.ima", IMA);
		expect(isAccepted(path, key, "--xattr-user")).toBe(false);
	});

	it.each(keyNames)("sigtool accepts evmctl's signature with %s until the mode changes", (keyName) => {
		const key = bench.key(keyName);
		const path = newFile();
		sign(path, key);
		const ours = getAttribute(path, "user.evm");
		expect(bench.evmctl(["sign", "--xattr-user", "--portable", "-k", key.keyFile, path]).accepted).toBe(true);
		const theirs = getAttribute(path, "user.evm") ?? Buffer.alloc(0);
		if (keyName.startsWith("RSA")) expect(theirs).toEqual(ours);
		expect(isSignedBy(key, theirs, messageOf(path))).toBe(true);
		chmodSync(path, 0o600);
		expect(isSignedBy(key, theirs, messageOf(path))).toBe(false);
	});

	it.skipIf(!isRoot)("owner, group and every protected attribute are covered as by evmctl (needs root)", () => {
		const key = bench.key("P-256");
		// Each attribute has a first value, and a second value to which the test changes it.
		const values: readonly [string, Uint8Array, Uint8Array][] = [
			["security.capability", capability(0x20), capability(0x40)],
			["security.apparmor", Buffer.from("profile"), Buffer.from("another")],
			["security.SMACK64", Buffer.from("label"), Buffer.from("other")],
		];
		const path = newFile();
		chownSync(path, 1234, 5678);
		for (const [name, value] of values) setAttribute(path, name, value);
		sign(path, key, "security");
		expect(isAccepted(path, key)).toBe(true);
		for (const [name, value, other] of values) {
			setAttribute(path, name, other);
			expect(isAccepted(path, key), name).toBe(false);
			setAttribute(path, name, value);
		}
		expect(isAccepted(path, key)).toBe(true);
		chownSync(path, 1234, 5679);
		expect(isAccepted(path, key)).toBe(false);
	});

	it.skipIf(!isRoot)("Smack's longer names are covered as by evmctl --smack and the kernel (needs root)", () => {
		const key = bench.key("P-256");
		const path = newFile();
		setAttribute(path, "security.SMACK64EXEC", Buffer.from("label"));
		sign(path, key, "security");
		expect(isAccepted(path, key, "--smack")).toBe(true);
		expect(isAccepted(path, key)).toBe(false);
	});
});

/** Returns struct vfs_cap_data of version 2, effective, with this byte as bits 8 to 15 of the permitted set. */
function capability(byte: number): Buffer {
	return Buffer.concat([Buffer.of(1, 0, 0, 2, 0, byte), Buffer.alloc(14)]);
}

function isSignedBy({ certificate }: EvmctlKey, value: Uint8Array, message: Uint8Array): boolean {
	const parsed = parseEvm(value);
	if (parsed.kind !== "portable-signature") throw new TypeError(`${parsed.kind} is not portable`);
	expect(parsed.keyId).toBe(keyIdOf(certificate));
	const verifier = createContentVerifier(publicKeyOf(certificate), requireEvidence(parsed.algorithm, "EVM attribute"));
	verifier.update(message);
	return verifier.verify(parsed.signature);
}
