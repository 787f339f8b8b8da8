/** Tests how a configuration is read: its text, its members, and the places that messages name. */

import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { readDocument } from "../../dist/configuration/read-document.js";
import { configurationText } from "../../dist/configuration/write-document.js";

const read = (text: string | Buffer, kind?: "own" | "package.json") => readDocument("f", Buffer.from(text), kind);

describe("readDocument()", () => {
	it("accepts comments, trailing commas and a byte order mark", () => {
		const { members } = read('\ufeff// a\n{ /* b */ "sign": ["a", "b",], // c\n "product": "//p",\n}\n');
		expect(members).toMatchObject({ sign: ["a", "b"], product: "//p" });
	});

	it("leaves absent members undefined, so that options and defaults hold", () => {
		const { members } = read("{}");
		expect(Object.values(members).filter((value) => value !== undefined)).toEqual([]);
	});

	it("knows the place of each member, also with line ends of Windows and characters outside of the BMP", () => {
		const { places } = read('{\r\n\t"product": "😀", "verify": {\n\t\t"trust": [\n"a",\n  "b"] } }');
		expect(places.get("product")).toEqual({ line: 2, column: 2 });
		expect(places.get("verify.trust")).toEqual({ line: 3, column: 3 });
		expect(places.get("verify.trust[1]")).toEqual({ line: 5, column: 3 });
	});

	it("reads the member sigtool of package.json, which has no comments", () => {
		expect(read('{ "name": "x", "sigtool": { "sign": ["d"] } }', "package.json").members.sign).toEqual(["d"]);
		expect(() => read('{ // x\n"sigtool": {} }', "package.json")).toThrow(/line 1, column 3: .*comment/);
	});

	it.each([
		['{ "sign": [1] }', 'line 1, column 12: "sign[0]" must be a line of text'],
		['{\n "sign": "dist" }', 'line 2, column 2: "sign" must be a list'],
		['{\n "sing": ["dist"] }', 'line 2, column 2: "sing" is not a member of this version; did you mean "sign"?'],
		['{ "trust": ["a"] }', 'is not a member of this version; did you mean "verify.trust"?'],
		[
			'{ "verify": { "trsut": ["a"] } }',
			'"verify.trsut" is not a member of this version; did you mean "verify.trust"?',
		],
		['{ "key": { "pinfile": "a" } }', 'did you mean "key.pinFile"?'],
		['{ "colour": 1 }', /is not a member of this version$/],
		['{ "sign": ["a"],\n "sign": ["b"] }', 'line 2, column 2: "sign" is there twice'],
		['{ "sign": ["a", "a"] }', 'line 1, column 3: "sign" must not hold anything twice'],
		['{ "product": "a\\nb" }', 'line 1, column 3: "product" must be a line of text'],
		['{ "links": "folow" }', '"links" must be one of "record", "reject", "follow"'],
		['{ "identity": "a", "key": { "p12": "b" } }', "must have at most one of identity, key"],
		['{ "key": { "key": "a" } }', 'line 1, column 12: "key.key" needs cert beside it'],
		['{ "key": { "cert": "a" } }', 'line 1, column 3: "key" must have exactly one of key, p12, pkcs11'],
		['{ "verify": { "requireSignatures": 0 } }', '"verify.requireSignatures" must be a whole number from 1 to 999'],
		['{ "__proto__": { "sign": ["a"] } }', '"__proto__" is not a member of this version'],
		['{ "constructor": 1 }', '"constructor" is not a member of this version'],
		["[]", "line 1, column 1: the configuration must be an object"],
		["", "line 1, column 1: it is not JSON: value expected"],
		['{ "sign": [\n"a" "b"] }', "line 2, column 5: it is not JSON: comma expected"],
		['{ "sign": ["a"] } }', "line 1, column 19: it is not JSON: end of file expected"],
		['{ "sign": ["a" /* }', "it is not JSON: unexpected end of comment"],
		["{ 'sign': [] }", "it is not JSON: invalid symbol"],
		["[".repeat(200_000), "it is nested too deeply"],
		['{ "formats": [] }', 'line 1, column 3: "formats" must not be empty'],
	])("refuses %s", (text, message) => {
		expect(() => read(text)).toThrow(message);
		expect(() => read(text)).toThrow(expect.objectContaining({ code: "ERR_CONFIG", path: "f" }));
	});

	it.each([30, 3000, 5000, 20_000])("refuses %d levels with one line", (depth) => {
		const text = `{ "sign": ${"[".repeat(depth)}${"]".repeat(depth)} }`;
		expect(() => read(text)).toThrow(/it is nested too deeply$/);
	});

	it("refuses bytes that are not UTF-8", () => {
		expect(() => read(Buffer.from([0x7b, 0xff, 0x7d]))).toThrow("it is not text in UTF-8");
	});

	it("reads what init writes, each member", () => {
		const members = {
			...{ sign: ["a", 'b"c'], output: "o", product: "p", include: ["i"], exclude: ["e,f"], links: "follow" as const },
			key: {
				key: "k",
				cert: "c",
				p12: undefined,
				pkcs11: undefined,
				chain: ["h"],
				passphraseFile: "s",
				pinFile: undefined,
			},
			verify: {
				...{ trust: ["t"], catalogs: undefined, requireSignatures: 2, added: "fail" as const, crl: undefined },
				...{ maxFileBytes: 4096, ocsp: undefined },
			},
		};
		const text = configurationText(members);
		expect(read(text).members).toMatchObject(JSON.parse(JSON.stringify(members)));
		for (const line of text.split("\n").filter((each) => each.includes("//"))) expect(line).not.toMatch(/[`\]]\(/);
	});
});

describe("sigtool.config.schema.json", () => {
	const schema = JSON.parse(readFileSync(new URL("../../sigtool.config.schema.json", import.meta.url), "utf8"));
	const accepts = new Ajv2020({ strict: false }).compile(schema);
	it.each([
		"{}",
		'{ "$schema": "x", "sign": ["a"], "verify": { "trust": [] }, "key": { "p12": "a" } }',
		'{ "key": { "key": "a", "cert": "b" } }',
		'{ "key": { "key": "a" } }',
		'{ "key": {} }',
		'{ "key": { "p12": "a", "pkcs11": "b" } }',
		'{ "key": { "p12": "a", "pinFile": "b" } }',
		'{ "identity": "a" }',
		'{ "identity": "a", "key": { "p12": "a" } }',
		'{ "sign": ["a", "a"] }',
		'{ "sign": "a" }',
		'{ "sing": ["a"] }',
		'{ "verify": { "requireSignatures": 1000 } }',
		'{ "verify": { "added": "warn" } }',
		'{ "verify": { "maxFileBytes": 1.5 } }',
		'{ "verify": { "profile": "windows-legacy" } }',
		'{ "formats": ["cat", "ima"] }',
		'{ "formats": ["zip"] }',
		'{ "development": "allow" }',
		'{ "signerCommand": "x" }',
	])("judges %s as the reader does", (text) => {
		let isRead = true;
		try {
			read(text);
		} catch {
			isRead = false;
		}
		expect(accepts(JSON.parse(text))).toBe(isRead);
	});
});
