import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "../../../../test/outside.js";
import { createFsverityHasher, type FsverityOptions } from "../../dist/digest/fsverity.js";
import { digestFile } from "../../dist/fileset/hash/digest-file.js";
import { tempTree } from "../fileset/temp-tree.js";

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const hasFsverity = spawnSync("fsverity", ["--version"]).error === undefined;
const SALT = Buffer.from("00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef", "hex");

function digestOf(content: Uint8Array, options: FsverityOptions): string {
	return createFsverityHasher(options).update(content).digest().toString("hex");
}

/** Returns content in which no two blocks are equal. */
function content(sizeBytes: number): Buffer {
	const bytes = Buffer.alloc(sizeBytes, "fs-verity");
	for (let offset = 0; offset + 4 <= sizeBytes; offset += 512) bytes.writeUInt32LE(offset, offset);
	return bytes;
}

describe("createFsverityHasher()", () => {
	it("gives an empty file a root of zeros", () => {
		expect(digestOf(Buffer.alloc(0), { algorithm: "sha256" })).toBe(
			"3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95",
		);
	});

	it("gives files of zeros different digests by their size", () => {
		const digests = [0, 1, 4095, 4096, 4097].map((size) => digestOf(Buffer.alloc(size), { algorithm: "sha256" }));
		expect(new Set(digests).size).toBe(5);
	});

	it("depends on algorithm, block size and salt, even when the salt differs only in a zero at its end", () => {
		const variants: readonly FsverityOptions[] = [
			{ algorithm: "sha256" },
			{ algorithm: "sha512" },
			{ algorithm: "sha256", blockSize: 1024 },
			{ algorithm: "sha256", salt: Buffer.alloc(1) },
			{ algorithm: "sha256", salt: Buffer.alloc(32) },
		];
		expect(new Set(variants.map((options) => digestOf(content(10_000), options))).size).toBe(variants.length);
	});

	it("does not depend on how the content is split", () => {
		const options = fc.record({
			algorithm: fc.constantFrom("sha256", "sha512"),
			blockSize: fc.constantFrom(1024, 4096),
			salt: fc.uint8Array({ maxLength: 32 }),
		});
		const pieces = fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 12 });
		fc.assert(
			fc.property(options, pieces, (parameters, sizes) => {
				const whole = content(sizes.reduce((sum, size) => sum + size, 0));
				const hasher = createFsverityHasher(parameters);
				let position = 0;
				for (const size of sizes) {
					hasher.update(whole.subarray(position, position + size));
					position += size;
				}
				expect(hasher.digest().toString("hex")).toBe(digestOf(whole, parameters));
			}),
			{ numRuns: 50 },
		);
	});

	it.each([0, 512, 1025, 1500, 131_072, Number.NaN])("refuses blocks of %d bytes", (blockSize) => {
		expect(() => createFsverityHasher({ algorithm: "sha256", blockSize })).toThrow(RangeError);
	});

	it("refuses a salt of 33 bytes", () => {
		expect(() => createFsverityHasher({ algorithm: "sha256", salt: Buffer.alloc(33) })).toThrow(RangeError);
	});

	it("refuses update() and digest() after digest()", () => {
		const hasher = createFsverityHasher({ algorithm: "sha256" });
		hasher.digest();
		expect(() => hasher.update(Buffer.alloc(1))).toThrow(TypeError);
		expect(() => hasher.digest()).toThrow(TypeError);
	});
});

describe.skipIf(!hasFsverity)("fsverity digest (needs fsverity)", () => {
	/** Returns the digests of many files by one call of the program, in the order of the files. */
	function judge(files: readonly string[], { algorithm, blockSize = 4096, salt }: FsverityOptions): string[] {
		const args = ["digest", "--compact", `--hash-alg=${algorithm}`, `--block-size=${blockSize}`];
		if (salt !== undefined) args.push(`--salt=${Buffer.from(salt).toString("hex")}`);
		const stdout = execFileSync("fsverity", [...args, ...files], { encoding: "utf8" });
		return stdout.trim().split("\n");
	}

	const SIZES = [0, 1, 4095, 4096, 4097, 8192, 512 * KIB - 1, 512 * KIB, 512 * KIB + 1, MIB + 1];
	// These sizes fill one block of 1 KiB, one level of digests (32 KiB or 16 KiB), and the level above it.
	const SMALL_BLOCK_SIZES = [
		0,
		1,
		1023,
		1024,
		1025,
		16 * KIB,
		16 * KIB + 1,
		32 * KIB,
		32 * KIB + 1,
		256 * KIB,
		MIB,
		MIB + 1,
	];

	describe.each(["sha256", "sha512"] as const)("%s", (algorithm) => {
		it.each([
			["4 KiB blocks", SIZES, {}],
			["4 KiB blocks and a salt of 32 bytes", SIZES, { salt: SALT }],
			["4 KiB blocks and a salt of 3 bytes", SIZES, { salt: SALT.subarray(0, 3) }],
			["1 KiB blocks", SMALL_BLOCK_SIZES, { blockSize: 1024 }],
			["1 KiB blocks and a salt of 32 bytes", SMALL_BLOCK_SIZES, { blockSize: 1024, salt: SALT }],
			["64 KiB blocks", [1, 64 * KIB, 64 * KIB + 1, MIB + 1], { blockSize: 64 * KIB }],
		])("agrees with %s", (_, sizes, parameters) => {
			const options = { ...parameters, algorithm };
			const root = tempTree();
			const files = sizes.map((size) => join(root, String(size)));
			for (const [index, file] of files.entries()) writeFileSync(file, content(sizes[index]));
			const judged = judge(files, options);
			expect(sizes.map((size) => digestOf(content(size), options))).toEqual(judged);
		});
	});

	it("agrees on 100 MiB, read from the file", () => {
		const root = tempTree();
		const file = join(root, "large");
		writeFileSync(file, content(100 * MIB));
		const hex = (algorithm: "fsverity-sha256" | "fsverity-sha512") =>
			Buffer.from(digestFile(file, algorithm).digest).toString("hex");
		expect([hex("fsverity-sha256")]).toEqual(judge([file], { algorithm: "sha256" }));
		expect([hex("fsverity-sha512")]).toEqual(judge([file], { algorithm: "sha512" }));
	});
});
