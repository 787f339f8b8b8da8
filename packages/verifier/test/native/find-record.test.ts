import { fileURLToPath } from "node:url";
import { DEFAULT_POLICY } from "@sigtool/core/read";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeIndex } from "../../../core/dist/trust/index-encode.js";
import { type EntryTable, findEntry, type IndexEntry } from "../../../core/dist/trust/index-entries.js";
import { HEADER_BYTES, RECORD_BYTES } from "../../../core/dist/trust/index-layout.js";
import { loadKernelAddon } from "../../dist/monitor/kernel-addon.js";
import { sha256 } from "../support.js";

const addon = loadKernelAddon(fileURLToPath(new URL("../../dist/native/addon.node", import.meta.url)));

/** Makes the table of an index, with a file or a link for each path. */
function tableOf(paths: readonly string[]): { table: EntryTable; count: number } {
	const entries = new Map<string, IndexEntry>();
	for (const path of paths) {
		const isLink = path.length % 5 === 0;
		entries.set(path, isLink ? { kind: "link", target: "to" } : { kind: "file", sha256: sha256(path), size: 1 });
	}
	const product = { name: "app", root: "/app", sequence: undefined, catalogs: [], entries };
	const content = encodeIndex({ notAfter: undefined, policy: DEFAULT_POLICY, signers: [], products: [product] });
	const bytes = Buffer.from(content);
	const [head = 0, count = 0, names = 0] = [12, 16, 20].map((at) => bytes.readUInt32LE(at));
	const recordsStart = HEADER_BYTES + head;
	const namesStart = recordsStart + count * RECORD_BYTES;
	return { table: { bytes, recordsStart, namesStart, namesEnd: namesStart + names, findRecord: undefined }, count };
}

/** Returns the entry, or the message of the error. */
function outcome(table: EntryTable, first: number, end: number, path: string): unknown {
	try {
		return findEntry(table, first, end, path);
	} catch (error) {
		return (error as Error).message;
	}
}

const NAMES = [
	"a",
	"a/b",
	"a/b/c.js",
	"a/bb",
	"b",
	"größe.js",
	"lib/x",
	"lib/x/y",
	"lib/x.js",
	"lib/xx",
	"z",
	"日本/語",
];
const anyPath = fc.oneof(
	fc.constantFrom(...NAMES),
	fc.constantFrom(...NAMES).map((name) => name.slice(0, -1)),
	fc.string({ unit: "binary", maxLength: 20 }),
	fc.string({ unit: "grapheme", maxLength: 20 }),
	fc.constantFrom("", "\ud800", "a\0", "x".repeat(4096), "x".repeat(4097), "ö".repeat(3000)),
);

describe.skipIf(addon?.findRecord === undefined)("the addon's search for an entry (needs the addon)", () => {
	const native = (table: EntryTable): EntryTable => ({ ...table, findRecord: addon?.findRecord });

	it("finds the same as the search in JavaScript", () => {
		const paths = fc.uniqueArray(fc.stringMatching(/^[a-zä-ü]{1,3}(\/[a-z.]{1,3}[a-z]){0,3}$/), {
			minLength: 1,
			maxLength: 40,
		});
		fc.assert(
			fc.property(paths, fc.array(anyPath), (given, others) => {
				const names = given.filter((name) => !given.some((other) => other.startsWith(`${name}/`)));
				const { table, count } = tableOf(names);
				for (const path of [...names, ...others]) {
					expect(outcome(native(table), 0, count, path)).toEqual(outcome(table, 0, count, path));
				}
				for (const path of names) expect(outcome(native(table), 0, count, path)).toHaveProperty("kind");
			}),
			{ numRuns: 60 },
		);
	});

	it("searches only the given records", () => {
		const { table, count } = tableOf(["a", "b", "c", "d"]);
		for (const [first, end] of [
			[0, 0],
			[1, 3],
			[2, 4],
			[3, 3],
			[0, count],
		] as const) {
			for (const path of ["a", "b", "c", "d"]) {
				expect(outcome(native(table), first, end, path)).toEqual(outcome(table, first, end, path));
			}
		}
	});

	it("finds no wrong entry in a damaged index, and reads nothing outside it", () => {
		const { table, count } = tableOf(["a", "b/c", "b/d", "e", "größe.js"]);
		const damage = fc.record({ at: fc.nat({ max: count * RECORD_BYTES - 1 }), byte: fc.nat({ max: 255 }) });
		fc.assert(
			fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), anyPath, (damages, path) => {
				const bytes = Buffer.from(table.bytes);
				for (const { at, byte } of damages) bytes[table.recordsStart + at] = byte;
				const damaged = { ...table, bytes };
				for (const each of [path, "a", "b/d", "größe.js"]) {
					// If the damage changed the order of paths, each search may miss an entry that the other one finds.
					const found = [native(damaged), damaged].map((table) => outcome(table, 0, count, each));
					const entries = found.filter((result) => typeof result === "object");
					expect(entries[1] ?? entries[0]).toEqual(entries[0]);
				}
			}),
			{ numRuns: 500 },
		);
	});

	it("leaves arguments that reach past the bytes to the search in JavaScript", () => {
		const { table, count } = tableOf(["a", "b"]);
		const { bytes, recordsStart, namesStart, namesEnd } = table;
		const find = addon?.findRecord as (...given: unknown[]) => number;
		expect(find(bytes, recordsStart, namesStart, namesEnd, 0, count, "b")).toBe(1);
		expect(find(bytes, recordsStart, namesStart, namesEnd, 0, count, "c")).toBe(-1);
		for (const given of [
			[bytes, recordsStart, namesStart, namesEnd, 0, count + 1, "b"],
			[bytes, recordsStart, namesStart, 2 ** 31, 0, count, "b"],
			[bytes, recordsStart, 2 ** 32 - 1, namesEnd, 0, count, "b"],
			[bytes, 2 ** 32 - 1, namesStart, namesEnd, 0, count, "b"],
			[bytes.subarray(0, 40), recordsStart, namesStart, namesEnd, 0, count, "b"],
			[new Float64Array(400), recordsStart, namesStart, namesEnd, 0, count, "b"],
			[bytes, recordsStart, namesStart, namesEnd, 0, 2 ** 32 - 1, "b"],
			[bytes, "1", namesStart, namesEnd, 0, count, "b"],
			[bytes, recordsStart, namesStart, namesEnd, 0, count, 7],
			[],
		]) {
			expect(find(...given)).toBe(-2);
		}
	});
});
