import { createHash } from "node:crypto";
import { appendFileSync, chmodSync, existsSync, readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { hashFileInto, SETTLED_MS } from "../../../dist/fileset/hash/hash-file.js";
import { ENTRY_KIND, wholeFileColumns } from "../../../dist/fileset/manifest.js";
import { expectError } from "../../pki/expect-error.js";
import { tempTree } from "../temp-tree.js";
import { hashSingleFile } from "./hash-single-file.js";

const sizes = [0, 1, 4096, 2 ** 17 - 1, 2 ** 17, 2 ** 17 + 1, 2 ** 18, 3 * 2 ** 18 + 5];

it("a file is settled after the same time in JavaScript and in native threads", () => {
	const folder = new URL("../../../../native/", import.meta.url);
	const sources = readdirSync(folder).filter((name) => name.endsWith(".c"));
	const native = sources.map((name) => readFileSync(new URL(name, folder), "utf8")).join("");
	expect(native.match(/SETTLED_SECONDS = \d+/g)).toEqual([`SETTLED_SECONDS = ${SETTLED_MS / 1000}`]);
});

describe("hashFileInto()", () => {
	it.each(sizes)("hashes %i bytes", (size) => {
		for (const first of ["M", "x"]) {
			const content = Buffer.alloc(size, "abcdefghijk");
			content.write(first.slice(0, size), 0);
			const path = join(tempTree({ file: content }), "file");
			chmodSync(path, 0o4711);
			const { digest, sha1Digest, ...facts } = hashSingleFile(path, "sha256+sha1");
			expect(digest).toEqual(createHash("sha256").update(content).digest());
			expect(sha1Digest).toEqual(createHash("sha1").update(content).digest());
			expect(facts).toEqual({
				kind: ENTRY_KIND.file,
				mode: process.platform === "win32" ? 0o644 : 0o4711,
				sizeBytes: size,
			});
			expect(hashSingleFile(path, "sha1").digest).toEqual(sha1Digest);
		}
	});

	it("gives a settled file, which is read only once, the same digest", () => {
		const path = join(tempTree({ file: { content: "content", mode: 0o640 } }), "file");
		const fresh = hashSingleFile(path, "sha256+sha1");
		vi.spyOn(Date, "now").mockReturnValue(Date.now() + 3_600_000);
		onTestFinished(() => void vi.restoreAllMocks());
		expect(hashSingleFile(path, "sha256+sha1")).toEqual(fresh);
		expect(hashSingleFile(path, "sha1").digest).toEqual(fresh.sha1Digest);
		expect(Buffer.from(fresh.digest)).toEqual(createHash("sha256").update("content").digest());
	});

	it.skipIf(!existsSync("/proc/version"))("refuses a file with more bytes than its size says (/proc)", () => {
		expectError("ERR_FILE_CHANGED", () => hashSingleFile("/proc/version"));
	});

	it("names the missing file", () => {
		const error = expectError("ERR_FILE_CHANGED", () => hashSingleFile("/nowhere/at all"));
		expect(error.message).toContain('"/nowhere/at all"');
	});

	it.skipIf(process.platform === "win32")(
		"refuses links, directories, FIFOs, sockets and devices at once",
		async () => {
			const root = tempTree({ file: "x", link: { link: "file" }, fifo: (path) => execFileSync("mkfifo", [path]) });
			const server = createServer().listen(join(root, "socket"));
			onTestFinished(() => void server.close());
			await new Promise((resolve) => server.once("listening", resolve));
			for (const path of ["link", "fifo", "socket", "."].map((name) => join(root, name)).concat("/dev/null")) {
				expectError("ERR_FILE_TYPE", () => hashSingleFile(path));
			}
		},
	);

	it.skipIf(process.getuid?.() === 0)("reports a file that cannot be read", () => {
		const path = join(tempTree({ file: { content: "x", mode: 0 } }), "file");
		expect(expectError("ERR_IO", () => hashSingleFile(path)).message).toMatch(/permission denied \(EACCES\)$/);
	});
});

describe("hashFileInto() while the file changes", () => {
	function oneRow() {
		return {
			kinds: new Uint8Array(1),
			modes: new Uint16Array(1),
			sizes: new Float64Array(1),
			digests: Buffer.alloc(32),
			...wholeFileColumns(),
		};
	}

	function hashWhile(change: (path: string) => void) {
		const path = join(tempTree({ file: Buffer.alloc(2 ** 20) }), "file");
		let pieces = 0;
		const onBytes = () => {
			if (pieces++ === 1) change(path);
		};
		return () => hashFileInto(oneRow(), 0, path, { digest: "sha256", bigFiles: "hash", onBytes });
	}

	it.each([
		["grows", (path: string) => appendFileSync(path, "x")],
		["shrinks", (path: string) => truncateSync(path, 2 ** 19)],
		[
			"is overwritten",
			(path: string) => appendFileSync(path, "", { flag: "r+" }) ?? truncateSync(path, statSync(path).size),
		],
		["changes its mode", (path: string) => chmodSync(path, 0o600)],
	])("throws ERR_FILE_CHANGED when it %s", (_, change) => {
		const error = expectError("ERR_FILE_CHANGED", hashWhile(change));
		expect(error.path).toMatch(/file$/);
	});

	it("leaves a big file to the caller when told to", () => {
		const path = join(tempTree({ file: Buffer.alloc(2 ** 18) }), "file");
		const columns = oneRow();
		expect(hashFileInto(columns, 0, path, { digest: "sha256", bigFiles: "defer" })).toBe("deferred");
		expect(columns.sizes[0]).toBe(2 ** 18);
		expect(columns.digests).toEqual(Buffer.alloc(32));
	});
});
