import { realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../../cli/test/support.js";
import { loadKernelAddon } from "../../dist/monitor/kernel-addon.js";

const addon = loadKernelAddon(fileURLToPath(new URL("../../dist/native/addon.node", import.meta.url)));
const readPackageType = addon?.readPackageType;

const KNOWN = ["none", "commonjs", "module"];

/** Returns the type by JSON.parse, or "unknown" if it fails. */
function typeByParsing(text: string): string {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return "unknown";
	}
	const type = typeof value === "object" && value !== null && Object.hasOwn(value, "type") && Object(value).type;
	return type === "module" || type === "commonjs" ? type : "none";
}

describe.skipIf(readPackageType === undefined)("the type in a package.json, by the addon", () => {
	function reader(): (text: string) => string {
		const file = join(realpathSync(temporaryDirectory()), "package.json");
		return (text) => {
			writeFileSync(file, text);
			const type = readPackageType?.(file, 1e6, new Uint8Array(33));
			return type === undefined ? "unknown" : (KNOWN[type] ?? "absent");
		};
	}

	it.each([
		['{ "type": "module" }', "module"],
		['{"name":"a","type":"commonjs","files":[]}', "commonjs"],
		['\n{ "a": { "type": "module" }, "b": [{ "type": "module" }], "module": "type" }\r\n', "none"],
		['{ "type": "module", "type": "commonjs" }', "commonjs"],
		['{ "type": "module", "type": { "type": "module" } }', "none"],
		['{ "type": ["module"] }', "none"],
		['{ "a\\"type": 1, "a": "\\"type\\": \\"module\\"" }', "none"],
		['["type", "module"]', "none"],
		['"type"', "none"],
		["{}", "none"],
		['{ "\\u0074ype": "module" }', "module"],
		['{ "type": "m\\u006fdule" }', "module"],
		['{ "type": "module\\u0000" }', "none"],
		['{ "type\\u0000": "module" }', "none"],
		['{ "type": "module", "type\\ud800": "commonjs" }', "module"],
		['{ "a": 1.5, "b": -0, "c": 1E+400, "d": 99999999999999999999, "type": "module" }', "module"],
		[`{ "a": ${"[".repeat(4000)}${"]".repeat(4000)}, "type": "module" }`, "module"],
	])("equals that of JSON.parse: %s", (text, type) => {
		expect([typeByParsing(text), reader()(text)]).toEqual([type, type]);
	});

	it.each([
		["", "{", '{ "type": "module"', '{ "type": "module" } x', '{ "type": "module", }', '{ "type" "module" }'],
		['{ "type": "module" ]', '[{ "type": "module" ]]', '{ "type": "module\n" }', "{ 'type': 'module' }", "{,}", "[1,]"],
		['\u{feff}{ "type": "module" }', '{ "type": "module" }\0', '{ "a": "\\x", "type": "module" }', "01", "tru", "}"],
		[
			`{ "a": ${"[".repeat(4096)}${"]".repeat(4096)}, "type": "module" }`,
			`${"[".repeat(1e5)}`,
			'{ "type": "module',
			'{"a":"\\',
		],
	])("is left to JSON.parse if the text is unusual or invalid: %s …", (...texts) => {
		expect(texts.map(reader())).toEqual(texts.map(() => "unknown"));
	});

	it("never differs from that of JSON.parse", () => {
		const space = fc.constantFrom("", "", " ", "\n\t\r");
		const text = fc.constantFrom(
			"type",
			"type",
			"module",
			"commonjs",
			"a",
			"",
			"ä",
			"typ",
			'\\"',
			"\\\\",
			"\\n",
			"\\u0074ype",
			"\\u0000",
			"\\ud83d",
			"\\ude00",
			"\\u00",
		);
		const string = text.map((content) => `"${content}"`);
		const scalar = fc.constantFrom("true", "false", "null", "0", "12", "7", "1e5", "nul", "-1.5E-3", "1.", "-", "00");
		const { document } = fc.letrec((tie) => ({
			member: fc.tuple(space, string, space, tie("document")).map(([a, b, c, d]) => `${a}${b}${c}:${d}`),
			object: fc.array(tie("member"), { maxLength: 4 }).map((members) => `{${members.join(",")}}`),
			list: fc.array(tie("document"), { maxLength: 3 }).map((values) => `[${values.join(",")}]`),
			document: fc
				.tuple(space, fc.oneof({ maxDepth: 4 }, string, scalar, tie("object"), tie("object"), tie("list")), space)
				.map((parts) => parts.join("")),
		}));
		const members = fc.array(fc.tuple(string, document), { maxLength: 5 });
		const whole = members.map((list) => `{${list.map(([name, value]) => `${name}:${value}`).join(",")}}`);
		const damage = fc.option(
			fc.tuple(fc.nat(), fc.constantFrom("{", "}", "[", "]", ",", ":", '"', "\\", "1", "\0", "")),
			{ freq: 1 },
		);
		const typeOf = reader();
		let known = 0;
		fc.assert(
			fc.property(fc.oneof(whole, document), damage, (text, harm) => {
				const at = (harm?.[0] ?? 0) % (text.length + 1);
				const given = harm === null ? text : text.slice(0, at) + harm[1] + text.slice(at + 1);
				const type = typeOf(given);
				if (type === "unknown") return;
				known++;
				expect({ given, type }).toEqual({ given, type: typeByParsing(given) });
			}),
			{ numRuns: 3000 },
		);
		expect(known).toBeGreaterThan(500);
	});
});
