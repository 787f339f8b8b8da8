import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { decryptRc2Cbc } from "../../../dist/signer/pbe/rc2.js";
import { expectError } from "../../pki/expect-error.js";

/** These are the vectors of RFC 2268 §5. Each has a key, effective bits, plaintext and ciphertext. */
const VECTORS = [
	["0000000000000000", 63, "0000000000000000", "ebb773f993278eff"],
	["ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"],
	["3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"],
	["88", 64, "0000000000000000", "61a8a244adacccf0"],
	["88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"],
	["88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"],
	["88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"],
	["88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e", 129, "0000000000000000", "5b78d3a43dfff1f1"],
] as const;

const hasRc2 = openssl(Buffer.alloc(5), Buffer.alloc(8), Buffer.from("x")) !== undefined;

/** Encrypts by RC2-40, or returns undefined if this openssl has no legacy provider. */
function openssl(key: Buffer, iv: Buffer, plain: Buffer): Buffer | undefined {
	const options = ["enc", "-rc2-40-cbc", "-K", key.toString("hex"), "-iv", iv.toString("hex")];
	const { status, stdout } = spawnSync("openssl", [...options, "-provider", "legacy", "-provider", "default"], {
		input: plain,
	});
	return status === 0 ? stdout : undefined;
}

describe("14.7: decryptRc2Cbc()", () => {
	it.each(VECTORS)("decrypts the vector of RFC 2268: key %s, %i bits", (key, bits, plain, cipher) => {
		const decrypted = decryptBlock(Buffer.from(key, "hex"), bits, Buffer.from(cipher, "hex"));
		expect(decrypted.toString("hex")).toBe(plain);
	});

	it.skipIf(!hasRc2)("decrypts what openssl encrypted, of every length up to three blocks and of 100 kB", () => {
		for (const length of [...Array(25).keys(), 100_000]) {
			const [key, iv, plain] = [randomBytes(5), randomBytes(8), randomBytes(length)];
			// The type assertion is safe: the test is skipped without RC2.
			const ciphertext = openssl(key, iv, plain) as Buffer;
			expect(decryptRc2Cbc(key, 40, iv, ciphertext).equals(plain)).toBe(true);
		}
	});

	it("refuses a ciphertext that is empty, is no whole number of blocks, or has a wrong padding", () => {
		const [key, iv] = [Buffer.alloc(5, 1), Buffer.alloc(8)];
		for (const length of [0, 7, 9]) {
			expectError("ERR_PKCS12", () => decryptRc2Cbc(key, 40, iv, Buffer.alloc(length)));
		}
		const zeros = Buffer.alloc(8);
		const decrypted = decryptBlock(key, 40, zeros);
		for (const padded of ["0000000000000000", "0000000000000009", "0000000000000102"]) {
			// With this initialization vector, the block decrypts to `padded`.
			const vector = Buffer.from(padded, "hex").map((byte, i) => byte ^ decrypted[i]);
			expectError("ERR_PKCS12", () => decryptRc2Cbc(key, 40, vector, zeros));
		}
	});
});

/**
 * Decrypts one block without padding. Tries initialization vectors until the block seems to end in a padding of one
 * byte.
 */
function decryptBlock(key: Uint8Array, bits: number, block: Uint8Array): Buffer {
	for (let last = 0; last < 256; last++) {
		try {
			const plain = decryptRc2Cbc(key, bits, Buffer.of(0, 0, 0, 0, 0, 0, 0, last), block);
			if (plain.length === 7) return Buffer.concat([plain, Buffer.of(1 ^ last)]);
		} catch {
			// With this initialization vector, the block does not end in a valid padding.
		}
	}
	throw new Error("No initialization vector gives a padding");
}
