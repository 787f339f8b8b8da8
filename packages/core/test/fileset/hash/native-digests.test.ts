/** Compares the digests of the native module with those of node:crypto, with and without SHA-NI, under sanitizers. */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "../../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../../test/temporary.js";
import { tempTree } from "../temp-tree.js";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const native = here("../../../../native/");
const sources = readdirSync(native).filter((file) => file.endsWith(".c"));
const runtime = spawnSync("gcc", ["-print-file-name=libasan.so"], { encoding: "utf8" }).stdout?.trim() ?? "";
/** gcc prints only the name of a library that it does not have. */
const canSanitize = process.platform === "linux" && runtime.startsWith("/");
const hasShaNi = existsSync("/proc/cpuinfo") && /^flags.*\bsha_ni\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));
const hasEmulator = spawnSync("qemu-x86_64", ["-cpu", "max", "/bin/true"]).status === 0;

const SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];

const sha256 = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

/** Every length around the ends of the first blocks, lengths around the room for a piece, and random ones. */
function someLengths(seed: number): readonly number[] {
	const random = fc.sample(fc.integer({ min: 0, max: 20_000 }), { numRuns: 800, seed });
	return [...Array.from({ length: 260 }, (_, length) => length), ...random];
}

function contentOf(length: number, seed: number): Buffer {
	const [bytes] = fc.sample(fc.uint8Array({ minLength: 97, maxLength: 97 }), { numRuns: 1, seed: seed + length });
	return Buffer.alloc(length, bytes);
}

function framed(content: Uint8Array): Buffer {
	const length = Buffer.alloc(4);
	length.writeUInt32LE(content.length);
	return Buffer.concat([length, content]);
}

describe.skipIf(!canSanitize)("the digests of the native module (need gcc and libasan)", () => {
	let home: string;
	const compile = (output: string, ...args: string[]) => {
		const program = join(home, output);
		const flags = ["-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", `-I${native}`];
		execFileSync("gcc", [...flags, "-o", program, ...args, "-ldl"], { stdio: "pipe" });
		return program;
	};
	beforeAll(() => {
		home = temporaryDirectory(atEndOfFile);
	});

	/** Digests contents by digest-contents.c, for each of the given seeds. */
	function expectDigests(command: readonly string[], seeds: readonly number[]) {
		const [program = "", ...args] = command;
		for (const seed of seeds) {
			const contents = someLengths(seed).map((length) => contentOf(length, seed));
			const input = Buffer.concat(contents.map(framed));
			const { status, stdout, stderr } = spawnSync(program, [...args, `${seed}`], { input, encoding: "utf8" });
			expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
			expect(stdout.trimEnd().split("\n")).toEqual(contents.map(sha256));
		}
	}

	const twoAtOnce = () => [here("digest-contents.c"), join(native, "digest.c"), join(native, "sha-ni.c")];

	it.skipIf(!hasShaNi)("are those of node:crypto for random lengths and splits, two at once (needs SHA-NI)", () => {
		expectDigests([compile("two-at-once", ...SANITIZERS, ...twoAtOnce())], [1, 2, 3, 4, 5]);
	});

	it.skipIf(process.arch !== "x64" || !hasEmulator)(
		"are computed with SHA-NI exactly where the processor has it (needs qemu-x86_64)",
		() => {
			const program = compile("emulated", "-static", ...twoAtOnce());
			expectDigests(["qemu-x86_64", "-cpu", "max", program], [6]);
			const { status, stderr } = spawnSync("qemu-x86_64", ["-cpu", "Nehalem", program, "1"], { encoding: "utf8" });
			expect({ status, stderr }).toEqual({ status: 2, stderr: "" });
		},
	);

	it.each([
		["with the processor that it has", sources.map((file) => join(native, file))],
		[
			"without SHA-NI",
			[here("without-sha-ni.c"), ...sources.filter((file) => file !== "sha-ni.c").map((file) => join(native, file))],
		],
	])("are those of node:crypto for files of random lengths, %s", (_, inputs) => {
		const addon = compile("addon.node", "-shared", "-fPIC", ...SANITIZERS, ...inputs);
		const lengths = [...someLengths(7), 131_071, 131_072, 131_073, 262_143, 262_144, 262_145, 1_000_000];
		const contents = lengths.map((length) => contentOf(length, 7)).filter((content) => content[0] !== 0x4d);
		const names = contents.map((_, index) => String(index).padStart(5, "0"));
		const root = tempTree(Object.fromEntries(contents.map((content, index) => [names[index], content])));
		const env = { ...process.env, LD_PRELOAD: runtime, ASAN_OPTIONS: "detect_leaks=0" };
		const { status, stdout, stderr } = spawnSync(process.execPath, [here("hash-natively.mjs"), addon, root], {
			encoding: "utf8",
			env,
		});
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
		expect(stdout.trimEnd().split("\n")).toEqual(contents.map(sha256));
	});
});
