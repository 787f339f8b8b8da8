import { readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { exists, listDirectory } from "../../dist/system/look-up.js";
import { expectError } from "../pki/expect-error.js";

let directory: string;
let file: string;
beforeEach(() => {
	directory = temporaryDirectory();
	file = join(directory, "lib.cat");
});

it("exists() sees a dangling link, listDirectory() sorts and takes a missing directory for an empty one", () => {
	symlinkSync("nowhere", file);
	writeFileSync(join(directory, "a"), "");
	expect(exists(file)).toBe(true);
	expect(readlinkSync(file)).toBe("nowhere");
	expect(exists(join(directory, "b"))).toBe(false);
	expect(exists(join(directory, "a", "below a file"))).toBe(false);
	expect(listDirectory(directory)).toEqual(["a", "lib.cat"]);
	expect(listDirectory(join(directory, "missing"))).toEqual([]);
	expectError("ERR_IO", () => listDirectory(join(directory, "a")));
});
