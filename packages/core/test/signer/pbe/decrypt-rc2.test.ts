import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { skip, spawnSync } from "../../../../../test/outside.js";
import { decryptRc2Cbc } from "../../../dist/signer/pbe/decrypt-rc2.js";
import { expectError } from "../../pki/expect-error.js";

/** The vectors of RFC 2268 §5 whose key has no more bits than are effective: a key, plaintext and ciphertext. */
const VECTORS = [
	["ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"],
	["3000000000000000", "1000000000000001", "30649edf9be7d2c2"],
	["88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"],
] as const;

/** The names that openssl has for the key lengths, in bytes. */
const CIPHERS = [
	[5, "rc2-40-cbc"],
	[8, "rc2-64-cbc"],
	[16, "rc2-cbc"],
] as const;

/** Encrypts by RC2. Skips the test if this openssl has no legacy provider. */
function openssl(cipher: string, key: Buffer, iv: Buffer, plain: Buffer): Buffer {
	const options = ["enc", `-${cipher}`, "-K", key.toString("hex"), "-iv", iv.toString("hex")];
	const { status, stdout } = spawnSync("openssl", [...options, "-provider", "legacy", "-provider", "default"], {
		input: plain,
	});
	return status === 0 ? stdout : skip("openssl has no legacy provider");
}

describe("decryptRc2Cbc()", () => {
	it.each(VECTORS)("decrypts the vector of RFC 2268 with the key %s", (key, plain, cipher) => {
		const decrypted = decryptBlock(Buffer.from(key, "hex"), Buffer.from(cipher, "hex"));
		expect(decrypted.toString("hex")).toBe(plain);
	});

	it.each(CIPHERS)("decrypts what openssl encrypted with %i bytes of key (%s)", (keyBytes, cipher) => {
		for (const length of [...Array(25).keys(), 255, 256, 511, 100_000]) {
			const [key, iv, plain] = [randomBytes(keyBytes), randomBytes(8), randomBytes(length)];
			// The type assertion is safe: the test is skipped without RC2.
			const ciphertext = openssl(cipher, key, iv, plain) as Buffer;
			expect(decryptRc2Cbc(key, iv, ciphertext).equals(plain)).toBe(true);
		}
	});

	it("decrypts the megabyte that a container may have in less than ten seconds", () => {
		const before = performance.now();
		expectError("ERR_PKCS12", () => decryptRc2Cbc(Buffer.alloc(16, 1), Buffer.alloc(8), Buffer.alloc(2 ** 20)));
		expect(performance.now() - before).toBeLessThan(10_000);
	});

	it("refuses a ciphertext that is empty, is no whole number of blocks, or has a wrong padding", () => {
		const [key, iv] = [Buffer.alloc(5, 1), Buffer.alloc(8)];
		for (const length of [0, 7, 9]) {
			expectError("ERR_PKCS12", () => decryptRc2Cbc(key, iv, Buffer.alloc(length)));
		}
		const zeros = Buffer.alloc(8);
		const decrypted = decryptBlock(key, zeros);
		for (const padded of ["0000000000000000", "0000000000000009", "0000000000000102"]) {
			// With this initialization vector, the block decrypts to `padded`.
			const vector = Buffer.from(padded, "hex").map((byte, i) => byte ^ decrypted[i]);
			expectError("ERR_PKCS12", () => decryptRc2Cbc(key, vector, zeros));
		}
	});
});

/**
 * Decrypts one block without padding. Tries initialization vectors until the block seems to end in a padding of one
 * byte.
 */
function decryptBlock(key: Uint8Array, block: Uint8Array): Buffer {
	for (let last = 0; last < 256; last++) {
		try {
			const plain = decryptRc2Cbc(key, Buffer.of(0, 0, 0, 0, 0, 0, 0, last), block);
			if (plain.length === 7) return Buffer.concat([plain, Buffer.of(1 ^ last)]);
		} catch {
			// With this initialization vector, the block does not end in a valid padding.
		}
	}
	throw new Error("No initialization vector gives a padding");
}
