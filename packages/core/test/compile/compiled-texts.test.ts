import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodeOfRelease } from "../../../../scripts/node-releases.mjs";
import { type CompileOptions, checkCompileTarget, compileTrustIndex } from "../../dist/compile/compile.js";
import { compiledTexts } from "../../dist/compile/compiled-texts.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { parseUnsignedIndex } from "../../dist/trust/trust-index.js";
import { type TreeEntry, tempTree } from "../fileset/temp-tree.js";
import { expectError } from "../pki/expect-error.js";
import { certificateFor, expectRejection, rsa2048 } from "../signer/material.js";

const key = rsa2048();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);
const NODE = nodeOfRelease("24");
const MARK = "\ufeff";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const sorted = (...texts: readonly string[]) => texts.map(sha256).sort();

/** Signs `app` and compiles it with `more`, without a signature. */
async function compile(files: Readonly<Record<string, TreeEntry>>, more: Partial<CompileOptions> = {}) {
	const home = tempTree(files);
	const root = join(home, "app");
	await signPaths([root], { signer, sequence: 7 });
	const output = join(home, "app.sigx");
	const adopt = more.adopt?.map((name) => join(home, name));
	const stripTypesWith = [NODE];
	const result = await compileTrustIndex([root], { trust, signer: "none", output, stripTypesWith, ...more, adopt });
	const bytes = readFileSync(output);
	expect(result.texts).toEqual(parseUnsignedIndex(bytes).texts);
	return { ...result, root, head: JSON.parse(bytes.subarray(24, 24 + bytes.readUInt32LE(12)).toString()) };
}

describe("compileTrustIndex()", () => {
	it("records JavaScript without its byte order mark, of files of any size", async () => {
		const long = `//${"é".repeat(150_000)}`;
		const { texts, head, typeStrippers } = await compile({
			"app/a.js": `${MARK}1`,
			"app/a.cjs": `${MARK}2`,
			"app/a.mjs": `${MARK}3`,
			"app/bin/tool": `${MARK}4`,
			"app/same.js": `${MARK}1`,
			"app/twice.js": `${MARK}${MARK}5`,
			"app/mark.js": MARK,
			"app/long.js": `${MARK}${long}`,
			"app/node_modules/p/index.js": `${MARK}6`,
			"app/plain.js": "7",
			"app/short.js": Buffer.of(0xef, 0xbb),
			"app/data.json": `${MARK}8`,
			"app/notes.txt": `${MARK}9`,
			"app/inside.js": `0${MARK}`,
		});
		expect(texts).toEqual(sorted("1", "2", "3", "4", `${MARK}5`, "", long, "6"));
		const pairs = ["1", "2", "3", "4", `${MARK}5`, "", long, "6"].map((text) => {
			return { text: sha256(text), file: sha256(`${MARK}${text}`) };
		});
		expect(head.fileTexts).toEqual(pairs.sort((a, b) => (a.text < b.text ? -1 : 1)));
		expect(typeStrippers).toEqual([]);
	});

	it("writes no texts where there are none, whatever strips types", async () => {
		const { head, texts } = await compile({ "app/main.js": "1", "app/types.d.ts": "export declare const a: 1;" });
		expect(texts).toEqual([]);
		expect(Object.keys(head)).toEqual(["compiled", "policy", "signers", "products"]);
	});

	it("records TypeScript without its types, also of an adopted directory", async () => {
		const { texts, typeStrippers, unstripped, warnings } = await compile(
			{
				"app/a.ts": "let a: 1;",
				"app/same.mts": "let a: 1;",
				"app/b.cts": `${MARK}let b: 2;`,
				"app/untyped.ts": "let c;",
				"app/a.d.ts": "declare let a: 3;",
				"app/node_modules/p/a.ts": "let a: 4;",
				"app/component.tsx": "let a: 5;",
				"library/l.mts": "let l: 6;",
				"library/l.js": `${MARK}7`,
			},
			{ adopt: ["library"] },
		);
		expect(texts).toEqual(sorted("let a   ;", "let b   ;", "let l   ;", "7"));
		expect(typeStrippers).toEqual([{ program: NODE, release: expect.stringMatching(/^v24\./) }]);
		expect([unstripped, warnings]).toEqual([[], []]);
	});

	it("lists TypeScript that Node.js cannot strip, and compiles the rest", async () => {
		const { root, texts, unstripped } = await compile({
			"app/good.ts": "let a: 1;",
			"app/enum.ts": "enum A { B }",
			"app/other/enum.ts": "enum A { B }",
			"app/latin.ts": Buffer.from("let a = 'é'", "latin1"),
			"app/video.ts": Buffer.alloc(2 ** 23 + 1),
		});
		expect(texts).toEqual(sorted("let a   ;"));
		const reasons = unstripped.map(({ path, reason }) => [path.slice(root.length + 1), reason]);
		expect(Object.fromEntries(reasons)).toEqual({
			"enum.ts": expect.stringMatching(/^Node\.js v24\.\S+: ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX$/),
			"other/enum.ts": expect.stringMatching(/ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX$/),
			"latin.ts": "not UTF-8",
			"video.ts": "more than 8388608 bytes",
		});
	});

	it("warns about TypeScript if nothing strips types", async () => {
		const files = { "app/a.ts": "let a: 1;", "app/b.ts": "let b: 1;", "app/c.js": `${MARK}1` };
		const { texts, warnings } = await compile(files, { stripTypesWith: [] });
		expect(texts).toEqual(sorted("1"));
		expect(warnings).toEqual([
			expect.stringMatching(
				/no text of ".*\/a\.ts", and 1 more TypeScript file, .*--strip-types-with \[ERR_UNSUPPORTED/,
			),
		]);
	});

	it("strips types by the Node.js that runs, if it can and none is named", async () => {
		const { texts, warnings, typeStrippers } = await compile(
			{ "app/a.ts": "let a: 1;" },
			{ stripTypesWith: undefined },
		);
		const strips = Number(process.versions.node.split(".")[0]) >= 22;
		expect(texts).toEqual(strips ? sorted("let a   ;") : []);
		expect(typeStrippers.map(({ release }) => release)).toEqual(strips ? [process.version] : []);
		expect(warnings).toHaveLength(strips ? 0 : 1);
	});

	it("refuses a program that strips no types before it looks at files", async () => {
		const home = tempTree({ "app/a.js": "1" });
		const options = { output: join(home, "app.sigx"), stripTypesWith: [nodeOfRelease("20")] };
		expectError("ERR_UNSUPPORTED_PLATFORM", () => checkCompileTarget([join(home, "app")], options));
		const compiling = compileTrustIndex([join(home, "app")], { ...options, trust, signer: "none" });
		await expectRejection("ERR_UNSUPPORTED_PLATFORM", compiling);
	});
});

describe("compiledTexts()", () => {
	it("refuses more TypeScript than is kept in memory", () => {
		const typescript = new Map([["a.ts", { content: Buffer.of(), sha256: sha256("") }]]);
		const sources = { unmarked: new Map(), typescript, typescriptBytes: 2 ** 26 + 1 };
		const directories = [
			{ root: "/a", sources },
			{ root: "/b", sources },
		];
		const { message } = expectError("ERR_LIMIT", () => compiledTexts(directories, [{ program: NODE, release: "v24" }]));
		expect(message).toMatch(/have 134217730 bytes, and at most 134217728/);
		expect(compiledTexts(directories, []).warnings).toHaveLength(1);
	});
});
