import { createHash, type Hash } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, mkdirSync, symlinkSync, truncateSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { digestFile } from "../../../dist/fileset/hash/digest-file.js";
import { tempTree } from "../temp-tree.js";

const onUnix = process.platform !== "win32";

const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");
const hexOf = (path: string) => Buffer.from(digestFile(path, "sha256").digest).toString("hex");

describe("digestFile()", () => {
	it("returns digest and size, also through a link", () => {
		const large = Buffer.alloc(300_000, "large");
		const root = tempTree({ empty: "", a: "one", large, link: { link: "a" } });
		expect(hexOf(join(root, "empty"))).toBe(sha256(""));
		expect(hexOf(join(root, "link"))).toBe(sha256("one"));
		expect(hexOf(join(root, "large"))).toBe(sha256(large));
		expect(digestFile(join(root, "large"), "sha512")).toEqual({
			digest: createHash("sha512").update(large).digest(),
			sizeBytes: 300_000,
		});
	});

	it.skipIf(!onUnix).each([
		["a directory", (path: string) => mkdirSync(path)],
		["a FIFO that nobody writes to", (path: string) => execFileSync("mkfifo", [path])],
		["a link to a device", (path: string) => symlinkSync("/dev/zero", path)],
	])("refuses %s", (_, make) => {
		const path = join(tempTree({ x: make }), "x");
		expect(() => digestFile(path, "sha256")).toThrow(expect.objectContaining({ code: "ERR_FILE_TYPE", path }));
	});

	it.skipIf(!onUnix)("refuses a socket", async () => {
		const path = join(tempTree(), "socket");
		const server = createServer();
		onTestFinished(() => void server.close());
		await new Promise<void>((resolve) => server.listen(path, resolve));
		expect(() => digestFile(path, "sha256")).toThrow(expect.objectContaining({ code: "ERR_FILE_TYPE", path }));
	});

	it("throws an error that names a missing file", () => {
		const path = join(tempTree(), "none");
		expect(() => digestFile(path, "sha256")).toThrow(expect.objectContaining({ code: "ERR_ROOT_MISSING", path }));
	});

	it.skipIf(!existsSync("/proc/version"))("refuses a file with more bytes than its size says", () => {
		expect(() => digestFile("/proc/version", "sha256")).toThrow(expect.objectContaining({ code: "ERR_FILE_CHANGED" }));
	});

	it.each([
		["grows", (path: string) => appendFileSync(path, "more")],
		["shrinks", (path: string) => truncateSync(path, 1000)],
		["changes its mode", (path: string) => chmodSync(path, 0o600)],
	])("refuses a file that %s while it is read", (_, change) => {
		const path = join(tempTree({ a: Buffer.alloc(400_000) }), "a");
		const hasher: Hash = Object.getPrototypeOf(createHash("sha256"));
		const { update } = hasher;
		const spy = vi.spyOn(hasher, "update").mockImplementation(function (this: Hash, ...content) {
			if (spy.mock.calls.length === 1) change(path);
			return update.apply(this, content);
		});
		onTestFinished(() => spy.mockRestore());
		expect(() => digestFile(path, "sha256")).toThrow(expect.objectContaining({ code: "ERR_FILE_CHANGED", path }));
	});

	it("refuses `authenticode` for a file that is neither a PE image nor a cabinet", () => {
		const root = tempTree({ text: "MZ, but no image", empty: "" });
		for (const name of ["text", "empty"]) {
			const path = join(root, name);
			expect(() => digestFile(path, "authenticode")).toThrow(expect.objectContaining({ code: "ERR_FILE_TYPE", path }));
		}
	});

	it("accepts salt and block size only with fs-verity", () => {
		const path = join(tempTree({ a: "" }), "a");
		expect(() => digestFile(path, "sha256", { salt: Buffer.alloc(1) })).toThrow(TypeError);
		expect(() => digestFile(path, "authenticode", { blockSize: 4096 })).toThrow(TypeError);
	});
});
