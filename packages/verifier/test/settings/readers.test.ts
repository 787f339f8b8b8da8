import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { hostFromFileBytes, launcherFromFileBytes } from "../../../core/dist/internal/read.js";
import { policyFromFileBytes, SigtoolError } from "../../../core/dist/read.js";
import { LIMITS } from "../../../core/dist/trust/index-layout.js";
import { HEAD } from "../../../core/dist/trust/schema.js";
import { refusalFor } from "../../../core/dist/trust/settings.js";
import { parseStrictJson } from "../../../core/dist/trust/settings-text.js";
import { readShape } from "../../../core/dist/trust/shape.js";
import { compileC, shared } from "../compile-c.js";
import { hasCompiler } from "../launch/support.js";
import { DOCUMENTS, type SettingsDocument } from "./documents.js";

type Reader = SettingsDocument["reader"];

/**
 * The result of a reader: either all values by the dotted names of their members, or a refusal with the path of the
 * member and the reason.
 */
type Judgement = { readonly values: Readonly<Record<string, unknown>> } | { readonly at: string; readonly why: string };

const READERS = {
	policy: policyFromFileBytes,
	host: hostFromFileBytes,
	launcher: launcherFromFileBytes,
	head(bytes: Buffer, file: string) {
		const refuse = refusalFor("ERR_INDEX_FORMAT", `the head of ${JSON.stringify(file)}`);
		return readShape(HEAD, parseStrictJson(bytes, LIMITS.headBytes, refuse), refuse);
	},
};

function byTypeScript(reader: Reader, bytes: Buffer): Judgement {
	try {
		return { values: valuesOf(reader, READERS[reader](bytes, "FILE")) };
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		// The C reader does not tell the line and the column.
		const message = error.message.replace(/ \(line \d+, column \d+\)$/, "");
		const [, at = "", why = ""] = /^Cannot use .*?"FILE": (?:"(\$.*?|line \d+)" )?(.*)$/s.exec(message) ?? [];
		return { at: JSON.parse(`"${at}"`), why };
	}
}

/** Flattens groups into their members. Objects in lists, and the pinned files of launcher.conf, stay whole. */
function valuesOf(reader: Reader, group: object, prefix = ""): Record<string, unknown> {
	const entries = Object.entries(group).flatMap(([name, value]): [string, unknown][] => {
		const isGroup = typeof value === "object" && value !== null && !Array.isArray(value);
		return isGroup ? Object.entries(valuesOf(reader, value, `${prefix}${name}.`)) : [[`${prefix}${name}`, value]];
	});
	// This drops undefined members, because the C reader does not print them either.
	return JSON.parse(JSON.stringify(Object.fromEntries(entries)));
}

/** Matches the reasons that a JSON Schema cannot express, or that concern text which parsing changes. */
const BEYOND_SCHEMA = /^must not (hold a (?:name|label) twice|hold U\+0000|have a name with U\+0000)/;

describe("the JSON Schemas", () => {
	const schemaOf = (name: string) => {
		const file = new URL(`../../../core/${name}.schema.json`, import.meta.url);
		return new Ajv2020().compile(JSON.parse(readFileSync(file, "utf8")));
	};
	const schemas = { policy: schemaOf("policy"), host: schemaOf("verifier") };

	it.each(["policy", "host"] as const)("agree with the readers on each %s, as far as they can", (reader) => {
		let compared = 0;
		for (const { name, bytes } of DOCUMENTS.filter((each) => each.reader === reader && !/^many/.test(each.name))) {
			const value = parsedOrUndefined(bytes);
			const judgement = byTypeScript(reader, Buffer.from(JSON.stringify(value) ?? "no JSON"));
			if (value === undefined || ("why" in judgement && BEYOND_SCHEMA.test(judgement.why))) continue;
			expect({ name, accepted: schemas[reader](value) }).toEqual({ name, accepted: "values" in judgement });
			compared++;
		}
		expect(compared).toBeGreaterThan(50);
	});
});

function parsedOrUndefined(bytes: Buffer): unknown {
	try {
		return JSON.parse(bytes.toString("utf8"));
	} catch {
		return undefined;
	}
}

describe.skipIf(!hasCompiler)("the readers of settings in TypeScript and in C (needs cc)", () => {
	const directory = temporaryDirectory(atEndOfFile);

	/** The C reader, compiled with sanitizers and without them. The one without sanitizers is ten times as fast. */
	const programs = { checked: join(directory, "checked"), fast: join(directory, "fast") };

	beforeAll(() => {
		const own = new URL("read-settings.c", import.meta.url);
		const sources = shared(
			...["environment", "hex", "json", "key-lines", "members", "schema", "utf8", "value-forms", "words"],
		);
		compileC({ own, sources, headers: "", output: programs.checked });
		compileC({ own, sources, headers: "", output: programs.fast, sanitizers: "none" });
	});

	/** Reads all documents in one process. */
	function byC(program: string, documents: readonly Pick<SettingsDocument, "reader" | "bytes">[]): Judgement[] {
		const { status, stdout, stderr } = spawnSync(program, [], {
			input: Buffer.concat(
				documents.flatMap(({ reader, bytes }) => [Buffer.from(`${reader} ${bytes.length}\n`), bytes]),
			),
			encoding: "utf8",
			maxBuffer: 1 << 28,
			env: { ASAN_OPTIONS: "detect_leaks=0" }, // Values are kept until the process ends.
		});
		if (status !== 0) throw new Error(`read-settings ended with ${status}: ${stderr}`);
		const judgements = stdout
			.trimEnd()
			.split("\n")
			.map((line): Judgement => JSON.parse(line));
		expect(judgements).toHaveLength(documents.length);
		return judgements;
	}

	const atOf = (judgement: Judgement) => ("values" in judgement ? undefined : judgement.at);
	const whyOf = (judgement: Judgement) => ("values" in judgement || judgement.at === "" ? undefined : judgement.why);

	let judgedByC: ReadonlyMap<SettingsDocument, Judgement>;
	beforeAll(() => {
		const judgements = byC(programs.checked, DOCUMENTS);
		judgedByC = new Map(DOCUMENTS.map((document, index) => [document, judgements[index] as Judgement]));
	});

	it.each(DOCUMENTS)("agree on a $reader with $name", (document) => {
		const { reader, bytes, at } = document;
		const [typeScript, c] = [byTypeScript(reader, bytes), judgedByC.get(document) as Judgement];
		expect({ typeScript: atOf(typeScript), c: atOf(c) }).toEqual({ typeScript: at, c: at });
		if (at === undefined) expect(c).toEqual(typeScript);
		else expect(whyOf(c)).toBe(whyOf(typeScript));
	});

	it("agree on documents of which tokens and bytes are changed", () => {
		const accepted = DOCUMENTS.filter(({ at, bytes }) => at === undefined && bytes.length < 4096);
		const insert = fc.oneof(fc.constantFrom(...TOKENS), fc.string({ unit: "binary", maxLength: 3 }));
		const words = accepted.flatMap(({ bytes }) => bytes.toString("utf8").match(TOKEN) ?? []);
		const word = fc.constantFrom(...words.filter(({ length }) => length > 1));
		const change = fc.record({ at: fc.nat(), remove: fc.nat(2), insert });
		const exchange = fc.record({ word: fc.nat(), insert: fc.oneof(insert, { arbitrary: word, weight: 3 }) });
		const changes = fc.oneof(
			fc.array(change, { minLength: 1, maxLength: 3 }),
			fc.array(exchange, { minLength: 1, maxLength: 2 }),
		);
		const verdicts = { accepted: 0, refused: 0 };
		const changed = fc.tuple(fc.constantFrom(...accepted), changes).map(([{ reader, bytes }, list]) => {
			const tokens = bytes.toString("utf8").match(TOKEN) ?? [];
			for (const one of list) {
				const words = [...tokens.keys()].filter((index) => (tokens[index]?.length ?? 0) > 1);
				if ("word" in one) tokens.splice(words[one.word % words.length] ?? 0, 1, one.insert);
				else tokens.splice(one.at % (tokens.length + 1), one.remove, one.insert);
			}
			return { reader, bytes: Buffer.from(tokens.join("")) };
		});
		const fifty = fc.array(changed, { minLength: 50, maxLength: 50 });
		fc.assert(
			fc.property(fifty, (documents) => {
				for (const [index, c] of byC(programs.fast, documents).entries()) {
					const { reader, bytes } = documents[index] as (typeof documents)[number];
					const typeScript = byTypeScript(reader, bytes);
					verdicts["values" in c ? "accepted" : "refused"]++;
					if ("values" in typeScript && "values" in c) expect(c).toEqual(typeScript);
					else expect(["at" in c, "at" in typeScript], bytes.toString()).toEqual([true, true]);
				}
			}),
			{ numRuns: full ? 1000 : 30 },
		);
		expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(20);
	});
});

const full = process.env.SIGTOOL_FULL !== undefined;

/**
 * Matches a token: a JSON string, a number, a word or any other character. In launcher.conf a key, path or digest is a
 * token, too.
 */
const TOKEN = /"(?:[^"\\]|\\.)*"|[\w./-]+|[\s\S]/g;

/** Replacements for tokens: values that fit another member, and values that nearly fit. */
const TOKENS: readonly string[] = [
	...["{", "}", "[", "]", ",", ":", " ", "\n", "\t", '"', "\\", "\0", "\ufeff", "version 1\n"],
	...["0", "1", "-0", "-1", "1.0", "1e0", "01", "9007199254740991", "9007199254740992", "2147483648"],
	...["true", "false", "null", "nul", '""', '"off"', '"strict"', '"refuse"', '"signed"', '"/a"', '"/a/"', '"/../a"'],
	...['"\\u006doff"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\u0085"', '"é"', '"*"', '"os.system"'],
	...['"version":1,', '"mode":"off",', '"files":{},', '"products":["a","a"],', '"name":"b",', '"path"', '"sha256"'],
	...[
		'"key"',
		'"file"',
		'"reason"',
		"mode off\n",
		"tree /b\n",
		"index /c\n",
		"node-major 22\n",
		"/a/./b",
		"refuse",
		"allow",
	],
	...["f".repeat(64), `"${"0".repeat(64)}"`, "A".repeat(64)],
];
