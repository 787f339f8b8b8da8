/** Compares the C that reads a trust index, which spython links too, with core. */

import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { policyInMode } from "@sigtool/core/internal/read";
import { MODES, type Mode, type ProductSigner, parsePolicy } from "@sigtool/core/read";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { encodeIndex } from "../../../core/dist/trust/index-encode.js";
import type { IndexEntry } from "../../../core/dist/trust/index-entries.js";
import { compileC, shared } from "../compile-c.js";
import { hasCompiler } from "../launch/support.js";
import { sha256 } from "../support.js";

/** The SHA-256 of each file by its path; links have none. */
type Product = Readonly<Record<string, string | undefined>>;

/** The digest that the record of a link has. It must not be found. */
const NO_DIGEST = "0".repeat(64);

const directory = temporaryDirectory(atEndOfFile);
const program = join(directory, "read-index");
const index = join(directory, "index.sigx");

function writeIndex(products: readonly Product[], policy: object = {}, signers?: readonly ProductSigner[]): void {
	const content = encodeIndex({
		notAfter: undefined,
		policy: parsePolicy({ version: 1, ...policy }),
		signers: [],
		products: products.map((files, number) => ({
			name: `product ${number}`,
			root: `/srv/${number}`,
			sequence: undefined,
			catalogs: [],
			signers,
			entries: new Map(
				Object.entries(files).map(([path, digest]): [string, IndexEntry] => [
					path,
					digest === undefined ? { kind: "link", target: "to" } : { kind: "file", sha256: digest, size: 1 },
				]),
			),
		})),
	});
	const signature = [0x30, 0]; // The program verifies no signature, but the file must have one.
	writeFileSync(index, Buffer.concat([content, Buffer.from(signature)]));
}

interface Question {
	readonly digests?: readonly string[];
	/** The mode on the command line. */
	readonly mode?: Mode;
	readonly threads?: number;
	readonly isShortOfMemory?: boolean;
}

function ask({ digests = [], mode, threads = 1, isShortOfMemory = false }: Question): {
	rules: string;
	found: boolean[];
} {
	const args = [index, String(mode === undefined ? -1 : MODES.indexOf(mode)), String(threads)];
	const { status, stdout, stderr } = spawnSync(program, [...args, ...(isShortOfMemory ? ["short"] : [])], {
		input: digests.map((digest) => `${digest}\n`).join(""),
		encoding: "utf8",
		env: { ASAN_OPTIONS: "detect_leaks=0" }, // The policy is kept until the process ends.
	});
	expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
	const [rules = "", found = ""] = stdout.split("\n");
	return { rules, found: [...found].map((digit) => digit === "1") };
}

describe.skipIf(!hasCompiler)("the C that reads a trust index (needs cc)", () => {
	beforeAll(() => {
		const own = new URL("read-index.c", import.meta.url);
		const trust = ["announce", "entries", "host", "index", "index-bytes", "products", "state", "term"];
		const sources = [
			...trust.map((name) => `trust/${name}`),
			...shared("decisions", "environment", "exit-status", "file-rules", "find-record", "fixed-memory", "glob"),
			...shared("hex", "json", "members", "owned-file", "schema", "start-facts", "utf8", "value-forms", "words"),
		];
		compileC({ own, sources, headers: "trust", output: program });
	});

	describe.each([
		["with its table of contents", false],
		["without memory for its table", true],
	])("find_content(), %s", (_, isShortOfMemory) => {
		it.each<[string, readonly Product[], readonly string[]]>([
			["nothing in an index without products", [], []],
			["nothing in a product without entries", [{}], []],
			["nothing in links alone", [{ a: undefined, b: undefined }], []],
			["a file", [{ a: sha256("a") }], [sha256("a")]],
			["a content of several files once", [{ a: sha256("a"), b: sha256("a"), c: sha256("a") }], [sha256("a")]],
			[
				"files of every product, beside links and products without entries",
				[{ a: sha256("a"), l: undefined }, {}, { "x/a": sha256("a"), "x/b": sha256("b") }, { l: undefined }],
				[sha256("a"), sha256("b")],
			],
			["a file with 32 bytes of 0 as its digest", [{ a: NO_DIGEST }], [NO_DIGEST]],
		])("finds %s", (_name, products, present) => {
			writeIndex(products);
			const digests = [sha256("a"), sha256("b"), sha256("c"), NO_DIGEST, "f".repeat(64)];
			expect(ask({ digests, isShortOfMemory }).found).toEqual(digests.map((digest) => present.includes(digest)));
		});

		it("tells digests apart that begin alike", () => {
			const digests = Array.from({ length: 64 }, (_value, number) => `00000000${"0".repeat(54)}${number + 10}`);
			writeIndex([Object.fromEntries(digests.slice(0, 32).map((digest, number) => [`${number}`, digest]))]);
			expect(ask({ digests, isShortOfMemory }).found).toEqual(digests.map((_digest, number) => number < 32));
		});

		it("finds the contents of all files and no other, from several threads at once", () => {
			// Few different digests, of which many begin alike, so that they repeat and collide.
			const anyDigest = fc
				.tuple(fc.nat(40), fc.constantFrom("", "00", "000000", "ffffffff"))
				.map(([number, start]) => start + sha256(`${number}`).slice(start.length));
			const anyPath = fc.stringMatching(/^[a-z]{1,4}$/);
			const anyProduct = fc.dictionary(anyPath, fc.option(anyDigest, { nil: undefined }), { maxKeys: 40 });
			fc.assert(
				fc.property(fc.array(anyProduct, { maxLength: 4 }), fc.array(anyDigest), (products, others) => {
					writeIndex(products);
					const present = products
						.flatMap((product) => Object.values(product))
						.filter((digest) => digest !== undefined);
					const flipped = present.map((digest) => digest.slice(0, -1) + (digest.endsWith("0") ? "1" : "0"));
					const digests = [...present, ...flipped, ...others, NO_DIGEST];
					const { found } = ask({ digests, threads: 4, isShortOfMemory });
					expect(found).toEqual(digests.map((digest) => present.includes(digest)));
				}),
				{ numRuns: 40 },
			);
		});
	});

	it("finds contents in an index of more than 256 MiB", () => {
		const folder = `${"d".repeat(255)}/`.repeat(15);
		const paths = Array.from({ length: 70_000 }, (_value, number) => `${folder}${number}`);
		writeIndex([Object.fromEntries(paths.map((path, number) => [path, sha256(`${number}`)]))]);
		expect(statSync(index).size).toBeGreaterThan(2 ** 28);
		const digests = [sha256("0"), sha256("69999"), sha256("70000")];
		expect(ask({ digests }).found).toEqual([true, true, false]);
	});

	it("finds each of 5,000 contents, and no other", () => {
		const all = Array.from({ length: 5000 }, (_value, number) => sha256(`${number}`));
		writeIndex([
			Object.fromEntries(all.slice(0, 2500).map((digest, number) => [`${number}`, digest])),
			Object.fromEntries(all.slice(2000).map((digest, number) => [`${number}`, digest])),
		]);
		for (const digests of [all.slice(0, 4000), all.slice(1000)]) {
			expect(ask({ digests, threads: 2 }).found).toEqual(digests.map(() => true));
		}
		const others = all.map((digest) => sha256(digest)).slice(0, 4000);
		expect(ask({ digests: others, threads: 2 }).found).toEqual(others.map(() => false));
	});

	describe("find_content() with rules", () => {
		const files = { "lib/a": sha256("a"), "tmp/a": sha256("a"), "tmp/b": sha256("b"), link: undefined };
		const digests = [sha256("a"), sha256("b"), sha256("c")];

		it.each<[string, readonly object[], readonly boolean[]]>([
			["finds a content that is permitted at one of its paths", [{ deny: { path: "lib/**" } }], [true, true, false]],
			["finds it also if the first path is permitted", [{ deny: { path: "tmp/**" } }], [true, false, false]],
			["finds no content that is denied at each of its paths", [{ deny: { name: "a" } }], [false, true, false]],
			["finds no denied content", [{ deny: { sha256: sha256("a") } }], [false, true, false]],
			["finds what an allow rule matches alone", [{ allow: { path: "tmp/b" } }], [false, true, false]],
			["finds nothing more by a rule", [{ allow: { sha256: sha256("c") } }], [false, false, false]],
			[
				"finds nothing by an expired rule",
				[{ allow: { product: "product 0" }, expires: "2020-01-01" }],
				[false, false, false],
			],
			["finds by the product", [{ deny: { product: "product 1" } }], [true, true, false]],
		])("%s", (_name, rules, found) => {
			writeIndex([files], { rules });
			expect(ask({ digests }).found).toEqual(found);
			expect(ask({ digests, isShortOfMemory: true }).found).toEqual(found);
		});

		it("finds by the signers of each product", () => {
			const signers = [{ key: "1".repeat(64), subject: undefined, authorities: [] }];
			writeIndex([files], { rules: [{ allow: { signer: { key: "1".repeat(64) } } }] }, signers);
			expect(ask({ digests }).found).toEqual([true, true, false]);
			writeIndex([files], { rules: [{ allow: { signer: { key: "2".repeat(64) } } }] }, signers);
			expect(ask({ digests }).found).toEqual([false, false, false]);
		});

		it("is not reached by an index that does not name the signers which a rule needs", () => {
			writeIndex([files], { rules: [{ deny: { signer: { key: "1".repeat(64) } } }] });
			const { status, stderr } = spawnSync(program, [index, "-1", "1"], { input: "", encoding: "utf8" });
			expect(status).not.toBe(0);
			expect(stderr).toMatch(/^ERR_POLICY: .* does not name those of product "product 0"; compile it again/);
		});
	});

	const RUNTIMES = [
		{},
		{ addons: "refuse", webAssembly: "refuse", stringCode: "refuse", workers: "refuse", children: "audit" },
		{ addons: "signed", webAssembly: "allow", stringCode: "allow", workers: "signed", children: "allow" },
	];
	const RULES = RUNTIMES.flatMap((runtime) => MODES.map((mode) => ({ runtime, mode })));

	it.each(RULES)("reads the rules for Node.js in mode $mode as core does: $runtime", ({ runtime, mode }) => {
		const { runtime: expected } = policyInMode(parsePolicy({ version: 1, runtime }), mode);
		writeIndex([], { mode, runtime });
		const numbers = {
			addons: ["signed", "refuse"].indexOf(expected.addons),
			webAssembly: ["signed", "refuse", "allow"].indexOf(expected.webAssembly),
			stringCode: ["audit", "signed", "refuse", "allow"].indexOf(expected.stringCode),
			workers: ["signed", "refuse"].indexOf(expected.workers),
			children: ["refuse", "audit", "allow"].indexOf(expected.children),
		};
		const rules = Object.entries(numbers).map(([name, number]) => `${name}=${number}`);
		expect(ask({}).rules).toBe(`${mode} ${rules.join(" ")}`);
	});
});
