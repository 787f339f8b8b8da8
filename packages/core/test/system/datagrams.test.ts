import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { datagramSender } from "../../src/system/datagrams.js";
import { loadNative } from "../../src/system/native.js";

/** test/operations/forwarding-journald.test.ts sends to a journal. */
describe.skipIf(loadNative()?.sendDatagram === undefined)("datagramSender() (needs the addon, on Linux)", () => {
	const message = Buffer.from("MESSAGE=hello\n");
	const codeOf = (path: string, bytes: Uint8Array = message) => {
		try {
			datagramSender()(path, bytes);
			return undefined;
		} catch (error) {
			return (error as { code?: string }).code;
		}
	};

	it("throws the error of the system", () => {
		const directory = temporaryDirectory();
		writeFileSync(join(directory, "file"), "");
		expect(codeOf(join(directory, "missing"))).toBe("ENOENT");
		expect(codeOf(join(directory, "file"))).toBe("ECONNREFUSED");
	});

	it.each([
		["empty", ""],
		["cut by a NUL", "/run\0/journal"],
		["longer than an address", `/${"a".repeat(108)}`],
		["as long as an address, perhaps cut", `/${"a".repeat(103)}`],
		["longer, and cut between characters", `/${"\u{1f600}".repeat(27)}`],
	])("refuses a path that is %s", (_, path) => {
		expect(codeOf(path)).toBe("EINVAL");
	});

	it("refuses what is no path and no bytes", () => {
		const send = loadNative()?.sendDatagram as (...values: unknown[]) => unknown;
		for (const values of [[], ["/a"], ["/a", "text"], [1, message], ["/a", new Uint16Array(2)], ["/a", undefined]])
			expect(send(...values)).toBe(22);
	});
});
