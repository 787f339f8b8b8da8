import {
	closeSync,
	constants,
	fstatSync,
	mkdirSync,
	openSync,
	renameSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { SigtoolError } from "../../dist/errors.js";
import { openFile, openFiles } from "../../dist/fileset/walk/open-files.js";
import { inspectAttributes } from "../../dist/inspect/inspect-attributes.js";
import { stripAttributes } from "../../dist/rewrite/strip-attributes.js";
import { type AttributeAccess, attributeError } from "../../dist/system/attributes.js";
import { tempTree } from "../fileset/temp-tree.js";
import { expectError } from "../pki/expect-error.js";
import { expectRejection } from "../signer/material.js";
import { userAttributes, withFile } from "../system/user-attributes.js";

const NAME = "user.ima";
const access = await userAttributes();
const isPossible = access !== undefined;

const inode = (descriptor: number) => fstatSync(descriptor).ino;

/**
 * Opens the files of a tree. After the first file, the directory is replaced by a link to another directory. This
 * directory has files with the same names.
 */
function openWhileSwapped(act: (descriptor: number) => void) {
	const root = tempTree({ "lib/a": "1", "lib/b": "2", "lib/c": "3" });
	const outside = tempTree({ a: "1", b: "2", c: "3" });
	const problems: SigtoolError[] = [];
	const opened: string[] = [];
	const count = openFiles(
		root,
		({ descriptor, name }) => {
			act(descriptor);
			opened.push(name);
			if (opened.length > 1) return;
			renameSync(join(root, "lib"), join(root, "was"));
			symlinkSync(outside, join(root, "lib"));
		},
		{ onProblem: (problem) => problems.push(problem) },
	);
	return { root, outside, count, opened, problems };
}

describe("openFiles()", () => {
	test("opens nothing outside of the tree when a directory is replaced by a link meanwhile", () => {
		const seen: number[] = [];
		const { root, outside, count, opened, problems } = openWhileSwapped((descriptor) => seen.push(inode(descriptor)));
		expect([count, opened]).toEqual([1, ["lib/a"]]);
		expect(seen).toEqual([statSync(join(root, "was/a")).ino]);
		expect(problems.map(({ code, path }) => [code, path])).toEqual([
			["ERR_FILE_CHANGED", "lib/b"],
			["ERR_FILE_CHANGED", "lib/c"],
		]);
		expect(problems[0].message).toBe(
			'Cannot open "lib/b": the file, or a directory above it, was moved or replaced meanwhile',
		);
		// The path leads to the file outside, because O_NOFOLLOW only refuses a link in the last segment of a path.
		const reached = openSync(join(root, "lib/b"), constants.O_RDONLY | constants.O_NOFOLLOW);
		expect(inode(reached)).toBe(statSync(join(outside, "b")).ino);
		closeSync(reached);
	});

	test.skipIf(!isPossible)("does not change attributes of files outside in this case (needs user attributes)", () => {
		const attributes = access as AttributeAccess; // The tests are skipped if it is undefined.
		const touch = (descriptor: number) => attributes.write(descriptor, NAME, Uint8Array.of(1));
		const { root, outside } = openWhileSwapped(touch);
		const has = (file: string) => withFile(file, (descriptor) => attributes.read(descriptor, NAME) !== undefined);
		expect(has(join(root, "was/a"))).toBe(true);
		for (const name of ["a", "b", "c"]) expect(has(join(outside, name)), name).toBe(false);
		withFile(join(root, "lib/b"), touch);
		expect(has(join(outside, "b"))).toBe(true);
	});

	test("skips files that vanished, and reports those that changed their type", () => {
		const root = tempTree({ a: "1", b: "2", c: "3", d: "4", "e/f": "5" });
		const elsewhere = tempTree({ target: "0" });
		const problems: SigtoolError[] = [];
		const opened: string[] = [];
		openFiles(
			root,
			({ name }) => {
				opened.push(name);
				if (name !== "a") return;
				renameSync(join(root, "b"), join(elsewhere, "b"));
				renameSync(join(root, "c"), join(elsewhere, "c"));
				symlinkSync(join(elsewhere, "target"), join(root, "c"));
				renameSync(join(root, "d"), join(elsewhere, "d"));
				mkdirSync(join(root, "d"));
			},
			{ onProblem: (problem) => problems.push(problem) },
		);
		expect(opened).toEqual(["a", "e/f"]);
		expect(problems.map(({ code, message }) => [code, message])).toEqual([
			["ERR_FILE_TYPE", 'Cannot open "c": it is not a regular file'],
			["ERR_FILE_TYPE", 'Cannot open "d": it is not a regular file'],
		]);
	});
});

test("openFile() does not follow a link that replaced the file", () => {
	const root = tempTree({ target: "1", link: { link: "target" } });
	expectError("ERR_FILE_TYPE", () => openFile(join(root, "link"), "link", () => expect.unreachable()));
});

describe.skipIf(!isPossible)("stripAttributes() (needs @sigtool/native or fs-xattr and user attributes)", () => {
	const options = { formats: ["ima"], namespace: "user" } as const;
	const attributes = access as AttributeAccess; // The tests are skipped if it is undefined.

	test("distinguishes removed attributes from missing ones", async () => {
		const root = tempTree({ a: "1", "lib/b": "2" });
		withFile(join(root, "a"), (descriptor) => attributes.write(descriptor, NAME, Uint8Array.of(1)));
		const stripped = await stripAttributes(root, { ...options, formats: ["ima", "ima-hash", "evm"] });
		expect(stripped).toMatchObject({ path: root, verdict: "stripped", fileCount: 2, findings: [] });
		expect([...stripped.removed]).toEqual([
			[NAME, 1],
			["user.evm", 0],
		]);
	});

	test("refuses a link as the path, and does not change its target", async () => {
		const root = tempTree({ a: "1", link: { link: "a" } });
		withFile(join(root, "a"), (descriptor) => attributes.write(descriptor, NAME, Uint8Array.of(1)));
		const error = await expectRejection("ERR_FILE_TYPE", stripAttributes(join(root, "link"), options));
		expect(error.message).toContain("it is a symbolic link");
		expect(withFile(join(root, "a"), (descriptor) => attributes.read(descriptor, NAME))).toBeDefined();
	});

	test("stops at an attribute name that no file can have", async () => {
		const root = tempTree({ a: "1", b: "2" });
		const attribute = `user.${"x".repeat(300)}`;
		await expectRejection("ERR_USAGE", stripAttributes(root, { formats: ["spython"], attribute }));
	});

	test.skipIf(process.platform !== "linux")(
		"finds nothing to do where files have no attributes (needs /proc)",
		async () => {
			const stripped = await stripAttributes("/proc/self/status", options);
			expect(stripped).toMatchObject({ verdict: "stripped", fileCount: 1, findings: [] });
			const file = "/proc/self/status";
			expectError("ERR_ATTRIBUTE_UNSUPPORTED", () => {
				try {
					withFile(file, (descriptor) => attributes.write(descriptor, NAME, Uint8Array.of(1)));
				} catch (cause) {
					throw attributeError("write", file, NAME, cause);
				}
			});
		},
	);
});

describe.skipIf(!isPossible)("inspectAttributes() (needs @sigtool/native or fs-xattr and user attributes)", () => {
	const attributes = access as AttributeAccess; // The tests are skipped if it is undefined.

	test("shows the first 1024 bytes of a longer value, and says so", async () => {
		const root = tempTree({ long: "1", full: "2" });
		for (const [file, sizeBytes] of [
			["long", 1025],
			["full", 1024],
		] as const) {
			withFile(join(root, file), (descriptor) => attributes.write(descriptor, NAME, new Uint8Array(sizeBytes)));
			expect(await inspectAttributes(join(root, file))).toMatchObject([
				{ name: NAME, sizeBytes, value: "00".repeat(1024), truncated: sizeBytes > 1024, kind: "malformed" },
			]);
		}
	});

	test.skipIf(process.platform !== "linux")(
		"tells a file without attributes from one that cannot have any",
		async () => {
			const file = join(tempTree(), "file");
			writeFileSync(file, "");
			expect(await inspectAttributes(file)).toEqual([]);
			const error = await expectRejection("ERR_ATTRIBUTE_UNSUPPORTED", inspectAttributes("/proc/self/status"));
			expect(error.message).toMatch(/the file system has no such attributes \(ENOTSUP\)$/);
		},
	);
});
