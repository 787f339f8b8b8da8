import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import fastGlob from "fast-glob";
import ignore from "ignore";
import { describe, expect, it } from "vitest";
import { compileGlob, globProblem, ignorePatternProblem } from "../../dist/fileset/glob.js";
import { hashFileSet } from "../../dist/fileset/hash-files.js";
import { compileIgnorePatterns } from "../../dist/fileset/ignore-patterns.js";
import { encodeCatalog } from "../../dist/formats/cat-encode.js";
import { signEncoded } from "../../dist/formats/cat-envelope.js";
import { entryFacts } from "../../dist/formats/cat-facts.js";
import { trustFromCertificates } from "../../dist/pki/trust-store.js";
import { signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { certificateFor, expectRejection, p256 } from "../signer/material.js";
import { tempTree } from "./temp-tree.js";

const key = p256();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);

/** Writes a catalog with these rules, as a program other than `sign` could. */
async function signWithRules(root: string, rules: { readonly include?: string[]; readonly ignore?: string[] }) {
	const catalog = join(root, `${basename(root)}.cat`);
	const manifest = await hashFileSet(root, { skip: new Set([basename(catalog)]) });
	const facts = {
		...({ modes: "posix", links: "record", caseCollisions: "refuse", scope: "root", include: [], ignore: [] } as const),
		...rules,
		...entryFacts(manifest),
	};
	const { pieces } = await signEncoded(encodeCatalog(manifest, facts, { thisUpdate: Date.now() }), signer, {});
	writeFileSync(catalog, Buffer.concat(pieces));
}

const REFUSED = [
	"",
	"../**",
	"../../**",
	"a/../../b",
	"{a,..}/b",
	"/etc/*",
	"C:/x",
	"!a",
	"a//b",
	"+(a|aa)",
	"@(a)",
	"{a,b}".repeat(20),
	"{1..5000000}",
	`{${"a,".repeat(300)}b}`,
	"*a".repeat(17),
	"a".repeat(1025),
	"a[b",
	"[[:alpha:]]",
];

describe("13.7: signed globs", () => {
	it.each(REFUSED)("13.7: refuses the glob %j when signing and when verifying", async (glob) => {
		expect(globProblem(glob)).toBeTypeOf("string");
		const root = tempTree({ "a.js": "1" });
		await expectRejection("ERR_USAGE", signPaths([root], { signer, include: [glob] }));
		await signWithRules(root, { include: [glob] });
		await expectRejection("ERR_CATALOG_FORMAT", verifyPath(root, { trust }));
		await expectRejection("ERR_CATALOG_FORMAT", verifyPath(join(root, "a.js"), { trust }));
	});

	it.each(["*a".repeat(17), "a".repeat(1025)])(
		"13.7: refuses the ignore pattern %j in both places",
		async (pattern) => {
			expect(ignorePatternProblem(pattern)).toBeTypeOf("string");
			const root = tempTree({ "a.js": "1" });
			await expectRejection("ERR_USAGE", signPaths([root], { signer, exclude: [pattern] }));
			await signWithRules(root, { ignore: [pattern] });
			await expectRejection("ERR_CATALOG_FORMAT", verifyPath(root, { trust }));
		},
	);

	it("13.7: matches the worst globs and patterns with the worst names at once", async () => {
		const tree: Record<string, string> = { b: "1" };
		for (let n = 0; n < 50; n++) tree[`${"a".repeat(200)}${n}/${"a".repeat(200)}/${"a".repeat(250)}`] = "";
		const root = tempTree(tree);
		const include = [`${"*a".repeat(16)}*b`.slice(1), `**/${"*a".repeat(14)}b`, "**/a*/**/a*/**/a*/**/a*/**/b", "b"];
		const exclude = [`${"*a".repeat(15)}b`, `**/${"*a".repeat(14)}b`];
		const start = performance.now();
		await signPaths([root], { signer, include, exclude });
		expect((await verifyPath(root, { trust })).verdict).toBe("trusted");
		expect(performance.now() - start).toBeLessThan(5000);
		const deep = `${"a/".repeat(2000)}c`;
		const glob = compileGlob("**/a/**/a/**/a/**/a/**/a/**/a/**/b");
		const before = performance.now();
		expect(glob.matches(deep)).toBe(false);
		expect(performance.now() - before).toBeLessThan(500);
	});
});

describe("compileGlob()", () => {
	const names = ["a", "b", "ab", ".a", "a.b", "ba", "{a}", "[a]", "a b", "é"];
	const paths = names.flatMap((name) => [name, `a/${name}`, `b/${name}`, `a/b/${name}`, `x/y/z/${name}`]);

	it("matches what fast-glob finds", () => {
		const root = tempTree({});
		for (const path of paths.filter((path) => !["a", "b", "a/b"].includes(path))) {
			mkdirSync(dirname(join(root, path)), { recursive: true });
			writeFileSync(join(root, path), "");
		}
		const found = fastGlob.sync("**", { cwd: root, dot: true, onlyFiles: false });
		// The pieces have no `?`, because fast-glob treats a `?` without other wildcards as a part of a name.
		const pieces = fc.constantFrom(
			"a",
			"b",
			"*",
			"**",
			"/",
			"/**/",
			".",
			"[ab]",
			"[!a]",
			"[a-b]",
			"{a,b}",
			"{a,b/*}",
			"x",
		);
		fc.assert(
			fc.property(fc.array(pieces, { minLength: 1, maxLength: 6 }), (parts) => {
				const glob = parts.join("");
				// Such globs are left out, because micromatch does not document `**` inside a segment or beside
				// braces.
				fc.pre(globProblem(glob) === undefined && !glob.endsWith("/") && !/\*\*[^/]|[^/]\*\*/.test(glob));
				// In fast-glob, a final `/**` matches the directory itself too if a wildcard precedes it, but not
				// otherwise.
				fc.pre(!glob.endsWith("/**") || !/[*[{]/.test(glob.slice(0, -3)));
				// In fast-glob, a `*` beside braces becomes `**` for one alternative, and its two packages differ in
				// how they read that.
				fc.pre(!/\}\*|\*\{/.test(glob));
				fc.pre(!glob.startsWith("./") && (!glob.split("/").includes("**") || !glob.includes("{")));
				const options = { cwd: root, dot: true, onlyFiles: false, followSymbolicLinks: false, suppressErrors: true };
				const theirs = fastGlob.sync(glob, options).sort();
				const { matches } = compileGlob(glob);
				expect([glob, found.filter(matches).sort()]).toEqual([glob, theirs]);
			}),
			{ numRuns: 2000 },
		);
	});

	it("leads into every directory above a match", () => {
		const pieces = fc.constantFrom("a", "b", "*", "**", "/", "/**/", "{a,b}", "x");
		fc.assert(
			fc.property(fc.array(pieces, { minLength: 1, maxLength: 6 }), fc.constantFrom(...paths), (parts, path) => {
				const glob = parts.join("");
				fc.pre(globProblem(glob) === undefined);
				const { matches, leadsInto } = compileGlob(glob);
				if (!matches(path)) return;
				for (let above = dirname(path); above !== "."; above = dirname(above)) {
					expect([glob, path, above, leadsInto(above)]).toEqual([glob, path, above, true]);
				}
			}),
		);
	});
});

describe("compileIgnorePatterns()", () => {
	it("decides as the package ignore, which follows git", () => {
		const pieces = fc.constantFrom("a", "b", "*", "?", "**", "/", "/**/", ".", "[ab]", "[!a]", " ", "\\a", "x");
		const pattern = fc
			.tuple(fc.constantFrom("", "!", "/"), fc.array(pieces, { minLength: 1, maxLength: 5 }), fc.constantFrom("", "/"))
			.map((parts) => parts.flat().join(""));
		const segments = fc.array(fc.constantFrom("a", "b", "ab", ".a", "x", "a b", "ba"), { minLength: 1, maxLength: 4 });
		fc.assert(
			fc.property(fc.array(pattern, { maxLength: 4 }), segments, fc.boolean(), (patterns, names, isDirectory) => {
				fc.pre(!patterns.some((each) => /\/\/|\*\*[^/]|[^/]\*\*|\*\*\/\*\*/.test(each)));
				const path = names.join("/");
				const theirs = ignore({ ignorecase: false })
					.add(patterns)
					.ignores(isDirectory ? `${path}/` : path);
				const ours = compileIgnorePatterns(patterns)(path, isDirectory ? "directory" : "file");
				expect([patterns, path, isDirectory, ours]).toEqual([patterns, path, isDirectory, theirs]);
			}),
			{ numRuns: 2000 },
		);
	});
});
