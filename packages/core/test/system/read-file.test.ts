import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { readBounded, readSecret } from "../../dist/system/read-file.js";
import { expectError } from "../pki/expect-error.js";

const READ_FILE = fileURLToPath(new URL("../../dist/system/read-file.js", import.meta.url));

let directory: string;
let file: string;
beforeEach(() => {
	directory = temporaryDirectory();
	file = join(directory, "lib.cat");
});

describe("readBounded()", () => {
	it("reads a file up to the limit and refuses one byte more", () => {
		writeFileSync(file, "12345");
		expect(readBounded(file, 5).toString()).toBe("12345");
		expectError("ERR_LIMIT", () => readBounded(file, 4));
	});

	it("reads an empty file", () => {
		writeFileSync(file, "");
		expect(readBounded(file, 5).length).toBe(0);
	});

	it("says that a file is not there", () => {
		const error = expectError("ERR_ROOT_MISSING", () => readBounded(file, 5));
		expect(error.message).toBe(`Cannot read "${file}": no such file or directory`);
	});

	it("refuses a directory, a device, and a FIFO without waiting for a writer", () => {
		expect(expectError("ERR_USAGE", () => readBounded(directory, 5)).message).toMatch(
			/it is a directory; name a file$/,
		);
		if (process.platform === "win32") return;
		expectError("ERR_IO", () => readBounded("/dev/null", 5));
		if (spawnSync("mkfifo", [file]).status === 0) expectError("ERR_IO", () => readBounded(file, 5));
	});
});

describe("readSecret()", () => {
	it.skipIf(process.platform === "win32")("tells a file of the user's own from one that others can read", () => {
		writeFileSync(file, "key");
		chmodSync(file, 0o600);
		expect(readSecret(file, 5).access).toBe("private");
		chmodSync(file, 0o640);
		expect(readSecret(file, 5).access).toBe("shared");
	});
});

describe("readInput()", () => {
	it.skipIf(process.platform === "win32")("reads pipes and standard input to their end, up to the limit", () => {
		const read = (path: string, maxBytes: number) => {
			const script = `import(${JSON.stringify(READ_FILE)}).then(({ readInput }) => {
				console.log(readInput(${JSON.stringify(path)}, ${maxBytes}).length);
			}).catch(({ code }) => console.log(code));`;
			const input = "x".repeat(100_000);
			return spawnSync("sh", ["-c", 'cat | "$0" -e "$1"', process.execPath, script], { input, encoding: "utf8" })
				.stdout;
		};
		expect(read("/dev/stdin", 100_000)).toBe("100000\n");
		expect(read("/dev/fd/0", 100_000)).toBe("100000\n");
		expect(read("/dev/stdin", 99_999)).toBe("ERR_LIMIT\n");
		expect(read("/dev/zero", 1_000_000)).toBe("ERR_LIMIT\n");
		expect(read("/tmp", 5)).toBe("ERR_USAGE\n");
	});
});
