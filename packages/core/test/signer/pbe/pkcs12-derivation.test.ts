import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { type HashName, iterateHash } from "../../../dist/signer/pbe/iterated-hash.js";
import { deriveKey, encodingsOf } from "../../../dist/signer/pbe/pkcs12-derivation.js";

const HASHES: readonly HashName[] = ["sha1", "sha224", "sha256", "sha384", "sha512"];

describe("iterateHash()", () => {
	it.each(HASHES)("does what node:crypto does: %s", (name) => {
		const digest = (value: Buffer) => createHash(name).update(value).digest();
		for (let round = 0; round < 50; round++) {
			const value = digest(randomBytes(8));
			let expected = value;
			for (let i = 0; i < round; i++) expected = digest(expected);
			expect(iterateHash(name, value, round).equals(expected)).toBe(true);
		}
	});

	it("leaves its argument as it is", () => {
		const value = randomBytes(20);
		const copy = Buffer.from(value);
		iterateHash("sha1", value, 3);
		expect(value.equals(copy)).toBe(true);
	});
});

const PURPOSES = { key: 1, iv: 2, mac: 3 } as const;
const hasKdf = opensslKdf("sha256", Buffer.alloc(2), Buffer.alloc(8), 1, 1, 8) !== undefined;

describe.skipIf(!hasKdf)("deriveKey() for PKCS#12", () => {
	it.each(HASHES)("derives what OpenSSL derives, for every purpose and several lengths: %s", (hash) => {
		for (const [name, id] of Object.entries(PURPOSES)) {
			const purpose = name as keyof typeof PURPOSES; // The type assertion is safe: `name` comes from PURPOSES.
			for (const [saltBytes, passphrase, iterations, length] of [
				[8, "correct horse", 1, 24],
				[20, "pässword € \u{1f511}", 3, 100],
				[64, "x".repeat(40), 2, 150],
				[129, "", 1000, 33],
			] as const) {
				const salt = randomBytes(saltBytes);
				const [encoded] = encodingsOf(passphrase);
				const derived = deriveKey({ kind: "pkcs12", hash, salt, iterations }, encoded, purpose, length);
				const expected = opensslKdf(hash, encoded.bmp, salt, iterations, id, length);
				expect(derived.toString("hex")).toBe(expected);
			}
		}
	});
});

/** Returns the hexadecimal that `openssl kdf` derives, or undefined if this openssl has no such function. */
function opensslKdf(
	hash: HashName,
	passphrase: Uint8Array,
	salt: Uint8Array,
	iterations: number,
	id: number,
	length: number,
): string | undefined {
	const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
	const parameters = [`digest:${hash}`, `hexpass:${hex(passphrase)}`, `hexsalt:${hex(salt)}`, `iter:${iterations}`];
	const options = [...parameters, `id:${id}`].flatMap((parameter) => ["-kdfopt", parameter]);
	const { status, stdout } = spawnSync("openssl", ["kdf", "-keylen", `${length}`, "-binary", ...options, "PKCS12KDF"]);
	return status === 0 ? stdout.toString("hex") : undefined;
}
