/** Compares the attributes that native threads write with those of JavaScript. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { attributeCounts, type DigestAttribute } from "../../../dist/fileset/hash/attribute-writer.js";
import { hashFileSet } from "../../../dist/fileset/hash/hash-files.js";
import { startNativeThreads } from "../../../dist/fileset/hash/native-threads.js";
import { createRowWriter } from "../../../dist/fileset/hash/row-writer.js";
import { allocateRows, COUNTER, MOST_ROWS } from "../../../dist/fileset/hash/shared-rows.js";
import type { AttributeAccess } from "../../../dist/system/attributes.js";
import { expectRejection } from "../../signer/material.js";
import { userAttributes, withFile } from "../../system/user-attributes.js";
import { tempTree } from "../temp-tree.js";
import { startWriter } from "./start-writer.js";

const TEXT: DigestAttribute = { name: "user.test-text", digest: "sha256", prefix: new Uint8Array(), text: "hex" };
const BYTES: DigestAttribute = { name: "user.test-bytes", digest: "sha256", prefix: Buffer.of(4, 4), text: "bytes" };
/** An attribute in a namespace that no system has. */
const NOWHERE: DigestAttribute = { ...TEXT, name: "nowhere.test" };
const EARLIER = Buffer.alloc(600, "earlier ");

const isBuilt = existsSync(new URL("../../../../native/sigtool.node", import.meta.url));
const found = isBuilt && process.platform === "linux" ? await userAttributes() : undefined;
const access = found as AttributeAccess; // Tests that use it are skipped if it is undefined.

const read = (path: string, { name }: DigestAttribute) => withFile(path, (file) => access.read(file, name));
const write = (path: string, { name }: DigestAttribute, value: Uint8Array) => {
	withFile(path, (file) => access.write(file, name, value));
};

const SIZES = [0, 1, 33, 4096, 131_071, 131_072, 131_073, 300_000];
const someTree = () => {
	const contents = SIZES.map((size) => [`lib/${size}`, Buffer.alloc(size, `${size}`)]);
	return tempTree({ ...Object.fromEntries(contents), "may-be-a-cabinet": "MSCF", ä: "a" });
};
const namesOf = () => [...SIZES.map((size) => `lib/${size}`), "may-be-a-cabinet", "ä"];

async function attach(root: string, engine: "native" | "javascript", attributes: readonly DigestAttribute[]) {
	const counts = attributeCounts(attributes.length);
	await hashFileSet(root, { engine, workers: 1, attributes: { attributes, counts } });
	return [...counts];
}

describe.skipIf(found === undefined)(
	"hashFileSet() with native threads and attributes (needs @sigtool/native and user attributes)",
	() => {
		it("writes the same values as JavaScript over any old ones, and nothing in a second run", async () => {
			const [root, other] = [someTree(), someTree()];
			const count = namesOf().length;
			write(join(root, "lib/1"), TEXT, EARLIER);
			write(join(root, "lib/33"), TEXT, Buffer.of(1));
			expect(await attach(root, "native", [TEXT, BYTES])).toEqual([count, 0, count, 0]);
			expect(await attach(other, "javascript", [TEXT, BYTES])).toEqual([count, 0, count, 0]);
			for (const name of namesOf()) {
				for (const attribute of [TEXT, BYTES]) {
					const value = read(join(root, name), attribute);
					expect(value?.length).toBeGreaterThan(32);
					expect(value).toEqual(read(join(other, name), attribute));
				}
			}
			expect(await attach(root, "native", [TEXT, BYTES])).toEqual([0, count, 0, count]);
			write(join(root, "lib/4096"), BYTES, Buffer.of(1));
			expect(await attach(root, "native", [TEXT, BYTES])).toEqual([0, count, 1, count - 1]);
		});

		it("restores a file's first attribute when writing the second is refused", async () => {
			const root = tempTree({ a: "a", b: "b" });
			write(join(root, "b"), TEXT, Buffer.of(1));
			await expectRejection("ERR_ATTRIBUTE_UNSUPPORTED", attach(root, "native", [TEXT, NOWHERE]));
			expect(read(join(root, "a"), TEXT)).toBeUndefined();
			expect(read(join(root, "b"), TEXT)).toEqual(Buffer.of(1));
		});

		it("leaves attributes as they were when the content changes meanwhile", async () => {
			const content = Buffer.alloc(100_000, "content ");
			const root = tempTree({ file: content });
			const path = join(root, "file");
			await startWriter(path);
			let refusals = 0;
			// The writing process may get no processor time during a run, which then succeeds. Therefore several runs
			// are made.
			for (let attempt = 0; attempt < 2000 && refusals < 5; attempt++) {
				write(path, TEXT, Buffer.of(1));
				const error = await attach(root, "native", [TEXT]).catch((reason) => reason);
				if (!(error instanceof Error)) continue;
				expect(error).toMatchObject({ code: "ERR_FILE_CHANGED" });
				expect(read(path, TEXT)).toEqual(Buffer.of(1));
				refusals++;
			}
			expect(refusals).toBe(5);
			expect(readFileSync(path).subarray(16).equals(content.subarray(16))).toBe(true);
		});

		it("writes nothing through a link in the path, and writes when the path has none", () => {
			const root = tempTree({ "tree/lib": { link: "../outside" }, "outside/file": "content" });
			const outside = join(root, "outside/file");
			expect(workNatively(join(root, "tree/"), "lib/file")).toEqual({ finished: 0, left: 1 });
			expect(read(outside, TEXT)).toBeUndefined();
			expect(workNatively(join(root, "outside/"), "file")).toEqual({ finished: 1, left: 0 });
			expect(read(outside, TEXT)).toHaveLength(64);
		});
	},
);

/**
 * Hashes one row with the native module alone, and returns how many rows it finished and how many it left to
 * JavaScript.
 */
function workNatively(base: string, path: string): { finished: number; left: number } {
	const rows = allocateRows(MOST_ROWS, 32, "none");
	const attributes = { attributes: [TEXT], counts: attributeCounts(1) };
	createRowWriter(rows).addFiles("", [path]);
	Atomics.store(rows.counters, COUNTER.published, 1);
	const threads = startNativeThreads({ base, digest: "sha256", rows, attributes }, 0);
	// A negative number claims nothing, and gives no row back.
	expect(threads?.work(-1)).toBeUndefined();
	expect(threads?.work(1)).toBe(1);
	threads?.stop();
	return { finished: rows.counters[COUNTER.finished], left: rows.counters[COUNTER.bigMet] };
}
