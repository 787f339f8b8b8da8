import { describe, expect, it } from "vitest";
import { checkEntryPath } from "../../../dist/fileset/paths/entry-path.js";
import { windowsNameProblem } from "../../../dist/fileset/paths/windows-names.js";
import { expectError } from "../../pki/expect-error.js";

const DEVICES = [
	"con",
	"Con",
	"a/NUL",
	"nul.txt",
	"aux.tar.gz",
	"prn/a",
	"com1",
	"lpt9.js",
	"com\xb9",
	"conin$",
	"con .x",
];
const STREAMS = ["file.js:b", "xx:y", "a/b:c/d"];
const LEGAL = [
	"a",
	"cons",
	"icon",
	"console.js",
	"a.con",
	"com",
	"com0",
	"com10",
	"nul-1",
	"aux_.c",
	"$con",
	"lib/über.js",
];

describe("windowsNameProblem()", () => {
	it.each(DEVICES)("names the device in %j", (path) => {
		expect(windowsNameProblem(path)).toMatch(/^on Windows "[a-z0-9$\xb9]+" is a device/i);
	});

	it.each(STREAMS)("names the stream in %j", (path) => {
		expect(windowsNameProblem(path)).toContain('":" is followed by the name of a stream');
	});

	it.each(LEGAL)("accepts %j", (path) => expect(windowsNameProblem(path)).toBeUndefined());
});

describe("checkEntryPath()", () => {
	it.each([...DEVICES, ...STREAMS])("refuses %j on Windows alone", (path) => {
		if (process.platform === "win32") expectError("ERR_PATH_RESERVED", () => checkEntryPath(path));
		else checkEntryPath(path);
	});
});
