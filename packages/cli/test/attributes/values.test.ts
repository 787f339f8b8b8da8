/**
 * Tests damaged attributes. Each format has a tree of files with the same content, and each of these files has a
 * different damaged value.
 */

import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { canWriteAttributes, getfattr, makeSelfSigned, makeTree, runner, temporaryDirectory } from "../support.js";

type Verdict = readonly [status: string, code: string | undefined];

interface Case {
	readonly value: Buffer;
	readonly expected: Verdict;
}
type Cases = Map<string, Case>;

const FORMAT = ["malformed", "ERR_ATTRIBUTE_FORMAT"] as const;
const UNSUPPORTED = ["malformed", "ERR_UNSUPPORTED_ALGORITHM"] as const;
const WEAK = ["malformed", "ERR_WEAK_DIGEST"] as const;
const SIGNATURE = ["mismatch", "ERR_SIGNATURE"] as const;
const MODIFIED = ["mismatch", "ERR_FILE_MODIFIED"] as const;
const UNTRUSTED = ["untrusted-signer", "ERR_UNTRUSTED_SIGNER"] as const;

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);
const MD5_OR_SHA1 = [1, 2];

function withByte(value: Buffer, index: number, byte: number): Buffer {
	return Buffer.from(value).fill(byte, index, index + 1);
}

/** Makes a case of each shorter value, and cases of values with one more byte. */
function lengthCases(value: Buffer): Cases {
	const cases: Cases = new Map();
	for (let length = 0; length < value.length; length++) {
		cases.set(`cut to ${length}`, { value: value.subarray(0, length), expected: FORMAT });
	}
	for (const byte of [0, 0x0a, 0x30]) {
		cases.set(`followed by ${byte}`, { value: Buffer.concat([value, Buffer.of(byte)]), expected: FORMAT });
	}
	return cases;
}

/** Makes every value that differs in the byte at `index`. */
function byteCases(value: Buffer, name: string, index: number, expected: (byte: number) => Verdict): Cases {
	const others = BYTES.filter((byte) => byte !== value[index]);
	return new Map(
		others.map((byte) => [`${name} ${byte}`, { value: withByte(value, index, byte), expected: expected(byte) }]),
	);
}

/** Makes damaged values of the form `type | version | algorithm | key id | length | signature`. */
function signatureCases(value: Buffer, type: (byte: number) => Verdict, algorithm: (byte: number) => Verdict): Cases {
	const cases = new Map([
		...lengthCases(value),
		...byteCases(value, "type", 0, type),
		...byteCases(value, "version", 1, () => FORMAT),
		...byteCases(value, "algorithm", 2, algorithm),
	]);
	const length = value.readUInt16BE(7);
	for (const announced of [0, length - 1, length + 1, 256 * length, 0xffff]) {
		const changed = Buffer.from(value);
		changed.writeUInt16BE(announced, 7);
		cases.set(`announced length ${announced}`, { value: changed, expected: FORMAT });
	}
	for (let index = 3; index < value.length; index++) {
		if (index === 7 || index === 8) continue;
		for (let bit = 0; bit < 8; bit++) {
			const changed = withByte(value, index, value[index] ^ (1 << bit));
			cases.set(`bit ${bit} of byte ${index}`, { value: changed, expected: index < 7 ? UNTRUSTED : SIGNATURE });
		}
	}
	return cases;
}

/**
 * Returns a function from the number of a digest algorithm to the verdict that is expected for a signature with that
 * number. Numbers in `known` are supported, and numbers in `weak` are refused as weak.
 */
function algorithmVerdict(known: readonly number[], weak: readonly number[]): (byte: number) => Verdict {
	return (byte) => (known.includes(byte) ? SIGNATURE : weak.includes(byte) ? WEAK : UNSUPPORTED);
}

/** Makes the damaged values of each format from the intact value. */
const DAMAGE: Record<string, (value: Buffer) => Cases> = {
	spython(value) {
		const isDigit = (byte: number) => /[0-9a-f]/.test(String.fromCharCode(byte));
		const upper = Buffer.from(value.toString("latin1").toUpperCase(), "latin1");
		return new Map<string, Case>([
			...lengthCases(value),
			...byteCases(value, "first byte", 0, (byte) => (isDigit(byte) ? MODIFIED : FORMAT)),
			...byteCases(value, "last byte", 63, (byte) => (isDigit(byte) ? MODIFIED : FORMAT)),
			["in upper case", { value: upper, expected: FORMAT }],
			["with a prefix", { value: Buffer.concat([Buffer.from("sha256:"), value]), expected: FORMAT }],
			["in binary", { value: Buffer.from(value.toString("latin1"), "hex"), expected: FORMAT }],
		]);
	},
	"ima-hash": (value) => {
		const known = [...MD5_OR_SHA1, 5, 6];
		const algorithm = (byte: number) => (known.includes(byte) ? FORMAT : UNSUPPORTED);
		return new Map([
			...lengthCases(value),
			...byteCases(value, "type", 0, () => FORMAT),
			...byteCases(value, "algorithm", 1, algorithm),
			...byteCases(value, "last byte of the digest", value.length - 1, () => MODIFIED),
			["MD5", { value: Buffer.concat([Buffer.of(1), Buffer.alloc(16)]), expected: WEAK }],
			["SHA-1", { value: Buffer.concat([Buffer.of(1), Buffer.alloc(20)]), expected: WEAK }],
			["SHA-1 under its number", { value: Buffer.concat([Buffer.of(4, 2), Buffer.alloc(20)]), expected: WEAK }],
		]);
	},
	ima: (value) => signatureCases(value, () => FORMAT, algorithmVerdict([5, 6], MD5_OR_SHA1)),
	"ima-verity": (value) => {
		// If the type becomes 4, the next byte of the value means a digest algorithm. This byte is 3, the version of
		// the signature, and no supported algorithm has this number.
		return signatureCases(value, (type) => (type === 4 ? UNSUPPORTED : FORMAT), algorithmVerdict([6], []));
	},
	evm: (value) => {
		// Type 3 means a signature that is bound to one inode. sigtool does not support such signatures.
		const type = (byte: number) => (byte === 3 ? UNSUPPORTED : FORMAT);
		const hmac = Buffer.concat([Buffer.of(2), Buffer.alloc(20, 1)]);
		return new Map([
			...signatureCases(value, type, algorithmVerdict([5, 6], MD5_OR_SHA1)),
			["an HMAC", { value: hmac, expected: UNSUPPORTED }],
		]);
	},
};

/** Formats the attributes as `setfattr --restore` reads them. */
function dumpOf(names: ReadonlyMap<string, ReadonlyMap<string, Buffer>>): string {
	return Array.from(names, ([file, attributes]) => {
		const lines = Array.from(attributes, ([name, value]) => `${name}=0x${value.toString("hex")}\n`);
		return `# file: ${file}\n${lines.join("")}\n`;
	}).join("");
}

const isPossible = canWriteAttributes("user");

describe.skipIf(!isPossible)("verify (needs attr and user attributes)", () => {
	test.each([
		["spython", "user.org.python.x-spython-hash", ["hash-only", "ERR_UNSIGNED"]],
		["ima-hash", "user.ima", ["hash-only", "ERR_UNSIGNED"]],
		["ima", "user.ima", ["trusted", undefined]],
		["ima-verity", "user.ima", ["trusted", undefined]],
		["evm", "user.evm", ["trusted", undefined]],
	] as const)("refuses every damaged value of %s with its code, and no intact value", (format, attribute, right) => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "tree"), { control: "content\n" });
		const { keyFile, certFile } = makeSelfSigned(join(home, "key"));
		const run = runner(home);
		const formats = format === "evm" ? ["--format", "ima", "--format", "evm"] : ["--format", format];
		const key = format === "spython" || format === "ima-hash" ? [] : ["--key", keyFile, "--cert", certFile];
		expect(run(["sign", root, ...formats, "--namespace", "user", ...key])).toMatchObject({ status: 0 });
		const control = join(root, "control");
		const value = getfattr(control, attribute) ?? Buffer.alloc(0);
		const ima = format === "evm" ? getfattr(control, "user.ima") : undefined;
		const undamaged: Case = { value, expected: right };
		const cases = new Map<string, Case>([...DAMAGE[format](value), ["undamaged", undamaged]]);

		const attributes = new Map<string, ReadonlyMap<string, Buffer>>();
		for (const [name, { value }] of cases) {
			copyFileSync(control, join(root, name));
			attributes.set(
				name.replaceAll(" ", "\\040"),
				new Map([...(ima ? [["user.ima", ima] as const] : []), [attribute, value]]),
			);
		}
		execFileSync("setfattr", ["--restore=-"], { cwd: root, input: dumpOf(attributes) });

		const verify = ["verify", root, "--format", format, "--namespace", "user", "--trust", certFile, "--allow-unsigned"];
		const verification = run([...verify, "--json"]);
		expect(verification).toMatchObject({ status: 1, stderr: "" });
		const judged: { path: string; status: string; code?: string }[] = verification.json().results[0].attributes;
		const found = new Map(judged.map(({ path, status, code }) => [path, [status, code]]));
		expect(found.get("control")).toEqual(right);
		found.delete("control");
		const expected = new Map(Array.from(cases, ([name, { expected }]) => [name, expected]));
		expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
		const passing = judged.filter(({ status }) => status === right[0]);
		expect(passing.map(({ path }) => path)).toEqual(["control", "undamaged"]);
	});
});
