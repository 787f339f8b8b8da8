import { createHash } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import {
	encodeImaDigest,
	encodeImaSignature,
	encodeVeritySignature,
	type ImaValue,
	parseIma,
	verityMessage,
} from "../../dist/formats/ima.js";
import { requireEvidence } from "../../dist/formats/integrity-signature.js";
import { keyIdOf } from "../../dist/pki/attribute-keys.js";
import { publicKeyOf } from "../../dist/pki/certificate.js";
import { createContentVerifier } from "../../dist/pki/signature-algorithm.js";
import { expectError } from "../pki/expect-error.js";
import {
	type EvmctlKey,
	getAttribute,
	hasEvmctl,
	hasFsverity,
	KEYS,
	type KeyName,
	openBench,
	setAttribute,
} from "./evmctl.js";

const EMPTY_SHA256 = createHash("sha256").digest();
const SIGNATURE = { algorithm: "sha256", keyId: "c8f1bd24", signature: Buffer.alloc(256, 7) } as const;
const v2 = encodeImaSignature(SIGNATURE);
const sigv3 = encodeVeritySignature(SIGNATURE);
const ng = encodeImaDigest("sha256", EMPTY_SHA256);

/** Returns a copy of `value` with one byte replaced. */
function withByte(value: Uint8Array, index: number, byte: number): Uint8Array {
	return Buffer.from(value).fill(byte, index, index + 1);
}

/** Returns the same bytes as a view into the middle of a larger buffer. */
function view(value: Uint8Array): Uint8Array {
	return Buffer.concat([Buffer.of(0xff), value, Buffer.of(0xff)]).subarray(1, value.length + 1);
}

describe("parseIma()", () => {
	it.each<[string, Uint8Array, string]>([
		["digest-ng", ng, `0404${EMPTY_SHA256.toString("hex")}`],
		["signature version 2", v2, `030204c8f1bd240100${"07".repeat(256)}`],
		["signature version 3", sigv3, `060304c8f1bd240100${"07".repeat(256)}`],
	])("reads %s in the documented layout, as it is written", (_, value, hex) => {
		expect(Buffer.from(value).toString("hex")).toBe(hex);
		expect(() => parseIma(view(value))).not.toThrow();
	});

	it("parses every digest that was encoded", () => {
		const sizes = { sha256: 32, sha384: 48, sha512: 64 } as const;
		for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
			const digest = Buffer.alloc(sizes[algorithm], 1);
			expect(parseIma(encodeImaDigest(algorithm, digest))).toEqual({ kind: "digest-ng", algorithm, digest });
		}
	});

	it("parses every signature that was encoded", () => {
		const arbitrary = fc.record({
			algorithm: fc.constantFrom("sha256", "sha512"),
			keyId: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((id) => Buffer.from(id).toString("hex")),
			signature: fc.uint8Array({ minLength: 1, maxLength: 1015 }).map((bytes) => Buffer.from(bytes)),
		});
		fc.assert(
			fc.property(arbitrary, (signature) => {
				expect(parseIma(view(encodeImaSignature(signature)))).toEqual({ kind: "signature", ...signature });
				expect(parseIma(view(encodeVeritySignature(signature)))).toEqual({ kind: "verity-signature", ...signature });
			}),
		);
	});

	it("parses a legacy digest, which is no evidence", () => {
		// The next line asserts the kind of the value.
		const md5 = parseIma(Buffer.concat([Buffer.of(1), Buffer.alloc(16)])) as Extract<ImaValue, { kind: "digest" }>;
		expect(md5).toEqual({ kind: "digest", algorithm: "md5", digest: Buffer.alloc(16) });
		const sha1 = parseIma(Buffer.concat([Buffer.of(1), Buffer.alloc(20)]));
		expect(sha1).toEqual({ kind: "digest", algorithm: "sha1", digest: Buffer.alloc(20) });
		expect(parseIma(Buffer.concat([Buffer.of(4, 2), Buffer.alloc(20)]))).toMatchObject({ algorithm: "sha1" });
		expectError("ERR_WEAK_DIGEST", () => requireEvidence(md5.algorithm, "IMA attribute"));
		const { message } = expectError("ERR_WEAK_DIGEST", () => requireEvidence(sha1.algorithm, "IMA attribute"));
		expect(message).toBe("Cannot trust the IMA attribute: SHA-1 is no evidence");
		expect(requireEvidence("sha384", "IMA attribute")).toBe("sha384");
	});

	it.each([
		["a legacy digest", Buffer.concat([Buffer.of(1), Buffer.alloc(20)])],
		["digest-ng", ng],
		["signature version 2", v2],
		["signature version 3", sigv3],
	])("refuses %s when truncated or with a byte more", (name, value) => {
		for (let length = 0; length < value.length; length++) {
			// A type byte and an MD5 digest have 17 bytes together, so this value is valid.
			if (name === "a legacy digest" && length === 17) continue;
			expectError("ERR_ATTRIBUTE_FORMAT", () => parseIma(view(value.subarray(0, length))));
		}
		expectError("ERR_ATTRIBUTE_FORMAT", () => parseIma(Buffer.concat([value, Buffer.of(0)])));
	});

	it("refuses every unknown type, and versions other than the one of the type", () => {
		for (let type = 0; type < 256; type++) {
			if (![1, 3, 4, 6].includes(type)) expectError("ERR_ATTRIBUTE_FORMAT", () => parseIma(withByte(v2, 0, type)));
		}
		for (let version = 0; version < 256; version++) {
			if (version !== 2) expectError("ERR_ATTRIBUTE_FORMAT", () => parseIma(withByte(v2, 1, version)));
			if (version !== 3) expectError("ERR_ATTRIBUTE_FORMAT", () => parseIma(withByte(sigv3, 1, version)));
		}
	});

	it("accepts only MD5, SHA-1 and SHA-2 from 256 bits, and of these only fs-verity's for fs-verity", () => {
		for (let number = 0; number < 256; number++) {
			if (![1, 2, 4, 5, 6].includes(number)) {
				expectError("ERR_UNSUPPORTED_ALGORITHM", () => parseIma(withByte(v2, 2, number)));
				expectError("ERR_UNSUPPORTED_ALGORITHM", () => parseIma(withByte(ng, 1, number)));
			}
			if (number !== 4 && number !== 6) {
				expectError("ERR_UNSUPPORTED_ALGORITHM", () => parseIma(withByte(sigv3, 2, number)));
			}
		}
		const { message } = expectError("ERR_UNSUPPORTED_ALGORITHM", () => parseIma(withByte(v2, 2, 7)));
		expect(message).toBe("Cannot use IMA attribute: digest algorithm SHA-224 is not accepted");
	});

	it("refuses a digest with the length of another algorithm, and an empty signature", () => {
		expectError("ERR_ATTRIBUTE_FORMAT", () => parseIma(withByte(ng, 1, 6)));
		expectError("ERR_ATTRIBUTE_FORMAT", () => parseIma(Buffer.from("030204c8f1bd240000", "hex")));
	});

	it("neither parses nor encodes more than 1024 bytes", () => {
		expectError("ERR_ATTRIBUTE_FORMAT", () => parseIma(Buffer.concat([v2, Buffer.alloc(1024)])));
		const tooLong = { ...SIGNATURE, signature: Buffer.alloc(1016) };
		expectError("ERR_ATTRIBUTE_SPACE", () => encodeImaSignature(tooLong));
	});
});

describe("verityMessage()", () => {
	it("has type and algorithm in front of the digest", () => {
		expect(Buffer.from(verityMessage("sha256", EMPTY_SHA256)).toString("hex")).toBe(
			`0604${EMPTY_SHA256.toString("hex")}`,
		);
		expect([...verityMessage("sha512", new Uint8Array(64)).subarray(0, 3)]).toEqual([6, 6, 0]);
	});
});

const keyNames = Object.keys(KEYS) as KeyName[]; // The type assertion is safe: KEYS has no other keys.
const digests = ["sha256", "sha512"] as const;
const contents = { empty: Buffer.alloc(0), "5 MB": Buffer.alloc(5_000_000, "five megabytes") } as const;

describe.skipIf(!hasEvmctl)("IMA attributes and evmctl (needs evmctl and attr)", () => {
	const bench = openBench();

	describe.each(keyNames)("%s", (keyName) => {
		describe.each(digests)("%s", (digest) => {
			it.each(["empty", "5 MB"] as const)("sign a file, %s, for each other", (size) => {
				const { keyFile, certificateFile, certificate, signer } = bench.key(keyName);
				const path = bench.file("signed", contents[size]);
				const signing = signer.begin(digest);
				signing.update(contents[size]);
				const ours = encodeImaSignature({
					algorithm: digest,
					keyId: keyIdOf(certificate),
					signature: signing.sign(),
				});
				const judge = ["ima_verify", "--xattr-user", "-k", certificateFile, path];

				setAttribute(path, "user.ima", ours);
				expect(bench.evmctl(judge).accepted).toBe(true);
				appendFileSync(path, "!");
				expect(bench.evmctl(judge).accepted).toBe(false);

				bench.file("signed", contents[size]);
				expect(bench.evmctl(["ima_sign", "--xattr-user", "-a", digest, "-k", keyFile, path]).accepted).toBe(true);
				const theirs = getAttribute(path, "user.ima") ?? Buffer.alloc(0);
				if (keyName.startsWith("RSA")) expect(theirs.toString("hex")).toBe(Buffer.from(ours).toString("hex"));
				expect(isSignedBy(certificate, theirs, [contents[size]])).toBe(true);
				expect(isSignedBy(certificate, theirs, [contents[size], Buffer.from("!")])).toBe(false);
			});

			it.skipIf(!hasFsverity)("sign an fs-verity digest as the other does (needs fsverity)", () => {
				const { keyFile, certificate, signer } = bench.key(keyName);
				const path = bench.file("verity", contents["5 MB"]);
				const line = execFileSync("fsverity", ["digest", `--hash-alg=${digest}`, path], { encoding: "utf8" });
				const { accepted, output } = bench.evmctl(["sign_hash", "--veritysig", "-a", digest, "-k", keyFile], line);
				expect(accepted).toBe(true);
				const theirs = Buffer.from(/ (0603[0-9a-f]+)\s*$/.exec(output)?.[1] ?? "", "hex");
				const message = verityMessage(digest, Buffer.from(/^\w+:([0-9a-f]+) /.exec(line)?.[1] ?? "", "hex"));
				expect(isSignedBy(certificate, theirs, [message])).toBe(true);
				const signing = signer.begin(digest);
				signing.update(message);
				const ours = { algorithm: digest, keyId: keyIdOf(certificate), signature: signing.sign() };
				const value = encodeVeritySignature(ours);
				if (keyName.startsWith("RSA")) expect(theirs.toString("hex")).toBe(Buffer.from(value).toString("hex"));
				expect(isSignedBy(certificate, value, [message])).toBe(true);
			});
		});
	});

	it.each(["sha256", "sha384", "sha512"] as const)("write the same %s digest", (algorithm) => {
		const path = bench.file("hashed", "content");
		expect(bench.evmctl(["ima_hash", "--xattr-user", "-a", algorithm, path]).accepted).toBe(true);
		const digest = createHash(algorithm).update("content").digest();
		expect(getAttribute(path, "user.ima")).toEqual(Buffer.from(encodeImaDigest(algorithm, digest)));
	});

	it("read the legacy digest that it writes for SHA-1", () => {
		const path = bench.file("legacy", "content");
		expect(bench.evmctl(["ima_hash", "--xattr-user", "-a", "sha1", path]).accepted).toBe(true);
		const digest = createHash("sha1").update(readFileSync(path)).digest();
		expect(parseIma(getAttribute(path, "user.ima") ?? Buffer.alloc(0))).toEqual({
			kind: "digest",
			algorithm: "sha1",
			digest,
		});
	});
});

function isSignedBy(certificate: EvmctlKey["certificate"], value: Uint8Array, pieces: readonly Uint8Array[]): boolean {
	const parsed = parseIma(value);
	if (parsed.kind === "digest" || parsed.kind === "digest-ng") throw new TypeError("A digest is no signature");
	expect(parsed.keyId).toBe(keyIdOf(certificate));
	const verifier = createContentVerifier(publicKeyOf(certificate), requireEvidence(parsed.algorithm, "IMA attribute"));
	for (const piece of pieces) verifier.update(piece);
	return verifier.verify(parsed.signature);
}
