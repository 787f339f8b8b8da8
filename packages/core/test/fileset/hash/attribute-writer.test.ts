import { createHash } from "node:crypto";
import {
	appendFileSync,
	closeSync,
	linkSync,
	openSync,
	readFileSync,
	renameSync,
	statSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
	writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
	type AttributeMaker,
	attributeCounts,
	createAttributeWriter,
	digestMaker,
} from "../../../dist/fileset/hash/attribute-writer.js";
import { type FileVisitor, hashFileInto } from "../../../dist/fileset/hash/hash-file.js";
import { wholeFileColumns } from "../../../dist/fileset/manifest.js";
import type { AttributeFormat } from "../../../dist/formats/attribute-format.js";
import { signPaths } from "../../../dist/sign/sign.js";
import { type Signer, signerFromKey } from "../../../dist/signer/signer.js";
import type { AttributeAccess } from "../../../dist/system/attributes.js";
import { expectError } from "../../pki/expect-error.js";
import { certificateFor, expectRejection, p256 } from "../../signer/material.js";
import { userAttributes, withFile } from "../../system/user-attributes.js";
import { tempTree } from "../temp-tree.js";
import { startWriter } from "./start-writer.js";

const NAME = "user.test-hash";
const OTHER = "user.test-other";
const EARLIER = Buffer.from("an earlier value");

const found = await userAttributes();
const needs = "(needs @sigtool/native or fs-xattr, and user attributes in the temporary folder)";

const access = found as AttributeAccess; // Tests that use it are skipped if it is undefined.
const read = (path: string, name = NAME) => withFile(path, (descriptor) => access.read(descriptor, name));
const write = (path: string, value: Uint8Array, name = NAME) => {
	withFile(path, (descriptor) => access.write(descriptor, name, value));
};
const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");
const hashOf = (path: string) => Buffer.from(sha256(readFileSync(path)));

/** Functions that do what another process could do during the run. */
interface Meanwhile {
	/** Runs as soon as the file is open. */
	readonly opened?: () => void;
	/** Runs after the content was read, before the attribute is written. */
	readonly hashed?: () => void;
}

function makerOf(name: string, { opened, hashed }: Meanwhile): AttributeMaker {
	const maker = digestMaker({ name, digest: "sha256", prefix: new Uint8Array(), text: "hex" });
	return {
		...maker,
		begin(file, present) {
			maker.begin(file, present);
			opened?.();
		},
		finish(file, digest) {
			hashed?.();
			return maker.finish(file, digest);
		},
	};
}

function hashInto(path: string, visitor: FileVisitor): void {
	const columns = {
		kinds: new Uint8Array(1),
		modes: new Uint16Array(1),
		sizes: new Float64Array(1),
		digests: Buffer.alloc(32),
		...wholeFileColumns(),
	};
	hashFileInto(columns, 0, path, { digest: "sha256", bigFiles: "hash", visitor });
}

/** Hashes the file at `path` and writes its hash attribute. */
function attach(path: string, meanwhile: Meanwhile = {}): void {
	hashInto(path, createAttributeWriter(access, [makerOf(NAME, meanwhile)], attributeCounts(1)));
}

/** Hashes and writes without reading the content a second time. */
function attachWithoutSecondRead(path: string, meanwhile: Meanwhile): void {
	const writer = createAttributeWriter(access, [makerOf(NAME, meanwhile)], attributeCounts(1));
	const end: FileVisitor["end"] = (file, digest) => {
		writer.end(file, digest);
		return "looked";
	};
	hashInto(path, { ...writer, end });
}

function overwrite(path: string, byte: string, position: number): void {
	const descriptor = openSync(path, "r+");
	writeSync(descriptor, byte, position);
	closeSync(descriptor);
}

const CHANGES: Record<string, (path: string) => void> = {
	"appends to it": (path) => appendFileSync(path, "!"),
	"changes its first byte": (path) => overwrite(path, "!", 0),
	"changes its last byte": (path) => overwrite(path, "!", statSync(path).size - 1),
	"empties it": (path) => truncateSync(path),
	"changes it and puts its time back"(path) {
		const { atime, mtime } = statSync(path);
		overwrite(path, "!", 3);
		utimesSync(path, atime, mtime);
	},
};
const SIZES = { "a small file": 1000, "a file of several pieces": 600_000 };

/** Moves the clock forward. A new file then seems old enough to be read only once. */
function treatFilesAsSettled(): void {
	vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_000);
	onTestFinished(() => void vi.restoreAllMocks());
}

describe.skipIf(found === undefined)(`createAttributeWriter() ${needs}`, () => {
	it("writes what differs, keeps what is right, and counts both", () => {
		const root = tempTree({ a: "a", b: "b", c: "c" });
		const counts = attributeCounts(2);
		const makers = [makerOf(NAME, {}), makerOf(OTHER, {})];
		write(join(root, "b"), EARLIER);
		write(join(root, "c"), hashOf(join(root, "c")), OTHER);
		const run = () => {
			for (const name of ["a", "b", "c"]) hashInto(join(root, name), createAttributeWriter(access, makers, counts));
		};
		run();
		expect([...counts]).toEqual([3, 0, 2, 1]);
		for (const name of ["a", "b", "c"]) {
			const path = join(root, name);
			expect([read(path), read(path, OTHER)]).toEqual([hashOf(path), hashOf(path)]);
		}
		const before = ["a", "b", "c"].map((name) => statSync(join(root, name), { bigint: true }).ctimeNs);
		run();
		expect([...counts]).toEqual([3, 3, 2, 4]);
		expect(["a", "b", "c"].map((name) => statSync(join(root, name), { bigint: true }).ctimeNs)).toEqual(before);
	});

	describe.each(Object.entries(SIZES))("with %s", (_, size) => {
		describe.each(Object.entries(CHANGES))("while another process %s", (_, change) => {
			it.each([
				["changed just now", false, undefined],
				["lying still", true, undefined],
				["with an earlier value", false, EARLIER],
				["lying still, with an earlier value", true, EARLIER],
			])("ends with ERR_FILE_CHANGED and the attribute as it was: %s", (_, still, earlier) => {
				const path = join(tempTree({ file: Buffer.alloc(size, "content ") }), "file");
				if (earlier !== undefined) write(path, earlier);
				if (still) treatFilesAsSettled();
				const error = expectError("ERR_FILE_CHANGED", () => attach(path, { hashed: () => change(path) }));
				expect(error.path).toBe(path);
				expect(read(path)).toEqual(earlier);
			});

			it("leaves a wrong value where the content is not looked at again", () => {
				const path = join(tempTree({ file: Buffer.alloc(size, "content ") }), "file");
				const before = hashOf(path);
				attachWithoutSecondRead(path, { hashed: () => change(path) });
				expect(read(path)).toEqual(before);
				expect(hashOf(path)).not.toEqual(before);
			});

			it("refuses a change while the content is read, before anything is written", () => {
				const path = join(tempTree({ file: Buffer.alloc(size, "content ") }), "file");
				const writes = vi.spyOn(access, "write");
				onTestFinished(() => void vi.restoreAllMocks());
				expectError("ERR_FILE_CHANGED", () => attach(path, { opened: () => change(path) }));
				expect(writes).not.toHaveBeenCalled();
				expect(read(path)).toBeUndefined();
			});
		});
	});

	it("accepts content that is again what it was", () => {
		const path = join(tempTree({ file: "content" }), "file");
		const hashed = () => {
			writeFileSync(path, "another");
			writeFileSync(path, "content");
		};
		attach(path, { hashed });
		expect(read(path)).toEqual(hashOf(path));
	});

	it("restores the attributes it wrote to a file when writing a later one is refused", () => {
		const path = join(tempTree({ file: "content" }), "file");
		write(path, EARLIER);
		const refusing: AttributeAccess = {
			...access,
			write(descriptor, name, value) {
				if (name === OTHER) throw Object.assign(new Error("no room"), { code: "ENOSPC" });
				access.write(descriptor, name, value);
			},
		};
		const makers = [makerOf(NAME, {}), makerOf("user.test-new", {}), makerOf(OTHER, {})];
		const error = expectError("ERR_ATTRIBUTE_SPACE", () => {
			hashInto(path, createAttributeWriter(refusing, makers, attributeCounts(3)));
		});
		expect(error.message).toContain(`"${OTHER}" of "${path}": its 64 bytes do not fit (ENOSPC)`);
		expect([NAME, "user.test-new", OTHER].map((name) => read(path, name))).toEqual([EARLIER, undefined, undefined]);
	});

	describe.each(["opened", "hashed"] as const)("when another file takes the path once the first is %s", (when) => {
		/** Creates a file, a second name for it, and a file that replaces it. */
		function swappable() {
			if (when === "opened") treatFilesAsSettled(); // Without this the removal of a name would count as a change.
			const root = tempTree({ file: "content", newcomer: "another" });
			const [path, kept] = ["file", "kept"].map((name) => join(root, name));
			linkSync(path, kept);
			return { path, kept, swap: () => renameSync(join(root, "newcomer"), path) };
		}

		it("writes to neither", () => {
			const { path, kept, swap } = swappable();
			expectError("ERR_FILE_CHANGED", () => attach(path, { [when]: swap }));
			expect(readFileSync(path, "utf8")).toBe("another");
			expect([path, kept].map((name) => read(name))).toEqual([undefined, undefined]);
		});

		it("would write a wrong value to the new file if it used the path", () => {
			const { path, kept, swap } = swappable();
			const naive: FileVisitor = {
				begin: () => when === "opened" && swap(),
				content() {},
				end(_, sha256) {
					if (when === "hashed") swap();
					write(path, Buffer.from(Buffer.from(sha256).toString("hex")));
					return "looked";
				},
				undo() {},
			};
			hashInto(path, naive);
			expect(read(path)).toEqual(hashOf(kept));
			expect(read(path)).not.toEqual(hashOf(path));
		});
	});

	describe("when a directory in the path becomes a link to another", () => {
		const swappable = () => {
			const root = tempTree({ "tree/lib/file": "content", "outside/file": "another" });
			const at = (name: string) => join(root, name);
			renameSync(at("tree/lib"), at("tree/gone"));
			symlinkSync("../outside", at("tree/lib"));
			return { path: at("tree/lib/file"), outside: at("outside/file") };
		};

		it("writes nothing outside of the tree", () => {
			const { path, outside } = swappable();
			expectError("ERR_FILE_CHANGED", () => attach(path));
			expect(read(outside)).toBeUndefined();
		});

		it("would write to a file outside without comparing the descriptor's real path", () => {
			const { path, outside } = swappable();
			const writer = createAttributeWriter(access, [makerOf(NAME, {})], attributeCounts(1));
			const unaware: FileVisitor = { ...writer, end: (file, sha256) => writer.end({ ...file, path: outside }, sha256) };
			hashInto(path, unaware);
			expect(read(outside)).toEqual(hashOf(outside));
		});
	});
});

const key = p256();
const certificate = certificateFor(key);

/** Returns a signer that runs an action while it signs. */
function signerWith(meanwhile: () => void): Signer {
	const signer = signerFromKey(key, [certificate]);
	return {
		...signer,
		begin(digest) {
			const signature = signer.begin(digest);
			return {
				update: (content) => signature.update(content),
				sign() {
					meanwhile();
					return signature.sign();
				},
			};
		},
	};
}

describe.skipIf(found === undefined)(`signPaths() ${needs}`, () => {
	const FORMATS: readonly (readonly AttributeFormat[])[] = [
		["ima"],
		["ima-verity"],
		["ima", "evm"],
		["spython", "ima"],
	];
	const NAMES = ["user.ima", "user.evm", "user.org.python.x-spython-hash"];
	const attributesOf = (path: string) => NAMES.map((name) => read(path, name));

	it.each(FORMATS)("restores %s %s when the content changes while the key signs", async (...formats) => {
		const root = tempTree({ file: "content" });
		const path = join(root, "file");
		write(path, EARLIER, "user.ima");
		const before = attributesOf(path);
		let changes = 0;
		const signer = signerWith(() => void appendFileSync(path, `${changes++}`));
		await expectRejection("ERR_FILE_CHANGED", signPaths([root], { formats, namespace: "user", signer }));
		expect(changes).toBe(formats.filter((format) => format !== "spython").length);
		expect(attributesOf(path)).toEqual(before);
		await signPaths([root], { formats, namespace: "user", signer: signerWith(() => {}) });
		expect(attributesOf(path)).not.toEqual(before);
	});

	it.each<[AttributeFormat]>([["spython"], ["ima-hash"], ["ima"]])(
		"ends with ERR_FILE_CHANGED for %s while another process writes, with every attribute as it was",
		async (format) => {
			const content = Buffer.alloc(8_000_000, "content ");
			const root = tempTree({ file: content, other: "other" });
			const path = join(root, "file");
			await startWriter(path);
			const options = { formats: [format], namespace: "user", signer: signerFromKey(key, [certificate]) } as const;
			let refusals = 0;
			// The writing process may get no processor time during a run, which then succeeds. Therefore several runs
			// are made.
			for (let attempt = 0; attempt < 100 && refusals < 5; attempt++) {
				write(path, EARLIER, "user.ima");
				const before = attributesOf(path);
				const error = await signPaths([root], options).catch((reason) => reason);
				if (!(error instanceof Error)) continue;
				expect(error).toMatchObject({ code: "ERR_FILE_CHANGED" });
				expect(attributesOf(path)).toEqual(before);
				refusals++;
			}
			expect(refusals).toBe(5);
			expect(readFileSync(path).subarray(16).equals(content.subarray(16))).toBe(true);
		},
	);
});
