import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { type CompileOptions, compileTrustIndex } from "../../dist/compile/compile.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { parseHead } from "../../dist/trust/index-head.js";
import { verifyTrustIndex } from "../../dist/trust/verify-index.js";
import { tempTree } from "../fileset/temp-tree.js";
import { expectError } from "../pki/expect-error.js";
import { certificateFor, expectRejection, rsa2048 } from "../signer/material.js";

const key = rsa2048();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);

const TREE = {
	"python/os.py": "1",
	"python/.hidden": "",
	"python/json/__init__.py": "2",
	"python/json/latest": { link: "__init__.py" },
	"app/main.py": "3",
} as const;

async function compile(signed: readonly string[], adopt: readonly string[], more: Partial<CompileOptions> = {}) {
	const output = join(tempTree({}), "x.sigx");
	const { warnings, products } = await compileTrustIndex(signed, { output, trust, signer, adopt, ...more });
	const { index } = verifyTrustIndex(readFileSync(output), { trust });
	return { warnings, products, index };
}

const pathsOf = (index: Awaited<ReturnType<typeof compile>>["index"], product: string) =>
	Array.from(index.entries(product), ([path]) => path);

describe("compileTrustIndex() of a directory to adopt", () => {
	it("records all files despite ignore rules, and marks the product as adopted", async () => {
		const home = tempTree({ ...TREE, "python/.sigtoolignore": "*.py\n" });
		const python = join(home, "python");
		const { index, warnings, products } = await compile([], [python]);
		expect(index.products).toEqual([{ name: python, root: python, sequence: undefined, adopted: true, catalogs: [] }]);
		expect(pathsOf(index, python)).toEqual([".hidden", ".sigtoolignore", "json/__init__.py", "json/latest", "os.py"]);
		expect(index.find(python, "json/latest")).toEqual({ kind: "link", target: "__init__.py" });
		expect(products).toMatchObject([{ adopted: true, fileCount: 4, linkCount: 1 }]);
		expect(warnings).toEqual([]);
	});

	it("refuses a denied file", async () => {
		const python = join(tempTree(TREE), "python");
		const sha256 = createHash("sha256").update("2").digest("hex");
		const denying = { trust: { ...trust, deny: [{ kind: "file", sha256, reason: "worm" }] } } as const;
		await expectRejection("ERR_DENIED", compile([], [python], denying));
	});

	it("marks only the adopted product when others are signed", async () => {
		const home = tempTree(TREE);
		const [app, python] = [join(home, "app"), join(home, "python")];
		await signPaths([app], { signer });
		const { index } = await compile([app], [python]);
		expect(index.products.map(({ name, adopted }) => [name, adopted])).toEqual([
			["app", undefined],
			[python, true],
		]);
		expect(readFileSync(join(app, "app.cat"))).not.toHaveLength(0);
	});

	it("leaves out the entries that belong to another product's directory", async () => {
		const home = tempTree(TREE);
		const [python, json] = [join(home, "python"), join(home, "python/json")];
		const { index } = await compile([], [python, json]);
		expect(pathsOf(index, python)).toEqual([".hidden", "os.py"]);
		expect(pathsOf(index, json)).toEqual(["__init__.py", "latest"]);
		await signPaths([json], { signer });
		const mixed = await compile([json], [python]);
		expect(pathsOf(mixed.index, python)).toEqual([".hidden", "os.py"]);
	});

	it("warns about links whose targets are in no directory of the index", async () => {
		const home = tempTree({ ...TREE, "etc/site.py": "4" });
		const [python, etc] = [join(home, "python"), join(home, "etc")];
		symlinkSync(join(etc, "site.py"), join(python, "site.py"));
		symlinkSync(etc, join(python, "zone"));
		symlinkSync("nowhere", join(python, "dangling"));
		const { warnings, index } = await compile([], [python]);
		expect(warnings).toEqual([
			expect.stringMatching(/site\.py" leads to ".*etc\/site\.py", and 1 more link elsewhere:/),
		]);
		expect(index.find(python, "site.py")).toEqual({ kind: "link", target: join(etc, "site.py") });
		expect((await compile([], [python, etc])).warnings).toEqual([]);
	});

	it.each<[what: string, spoil: (python: string) => void, code: "ERR_USAGE" | "ERR_FILE_TYPE" | "ERR_ROOT_MISSING"]>([
		["a file that everyone may write", (python) => chmodSync(join(python, "os.py"), 0o666), "ERR_USAGE"],
		["a directory that everyone may write", (python) => chmodSync(join(python, "json"), 0o1777), "ERR_USAGE"],
		["everyone may write it", (python) => chmodSync(python, 0o777), "ERR_USAGE"],
		["everyone may replace it", (python) => chmodSync(join(python, ".."), 0o777), "ERR_USAGE"],
		["a FIFO", (python) => execFileSync("mkfifo", [join(python, "pipe")]), "ERR_FILE_TYPE"],
	])("refuses one with %s", async (_, spoil, code) => {
		const python = join(tempTree(TREE), "python");
		spoil(python);
		await expectRejection(code, compile([], [python]));
	});

	it("warns when a group can write to the directory", async () => {
		const python = join(tempTree(TREE), "python");
		chmodSync(join(python, "os.py"), 0o664);
		chmodSync(join(python, "json"), 0o775);
		expect((await compile([], [python])).warnings).toEqual([
			expect.stringMatching(/^other users can write to ".*" and 1 more of ".*python"/),
		]);
	});

	it("refuses a directory with a catalog, a duplicate, a missing one, and one that contains the index", async () => {
		const home = tempTree(TREE);
		const [app, python] = [join(home, "app"), join(home, "python")];
		await expectRejection("ERR_USAGE", compile([], [python, python]));
		await expectRejection("ERR_USAGE", compile([], []));
		await expectRejection("ERR_USAGE", compile([], [join(python, "os.py")]));
		await expectRejection("ERR_USAGE", compile([], [python], { output: join(python, "x.sigx") }));
		expect(existsSync(join(python, "x.sigx"))).toBe(false);
		await signPaths([app], { signer });
		await expectRejection("ERR_USAGE", compile([], [app]));
		mkdirSync(join(home, "empty"));
		expect((await compile([], [join(home, "empty")])).index.entryCount).toBe(0);
	});
});

describe("parseHead()", () => {
	it("accepts no value of `adopted` but true", () => {
		const head = (adopted: unknown) => {
			const product = { name: "/lib", root: "/lib", adopted, catalogs: [], entries: 0 };
			return Buffer.from(JSON.stringify({ policy: { version: 1 }, signers: [], products: [product] }));
		};
		expect(parseHead(head(true)).products[0]?.adopted).toBe(true);
		expect(parseHead(head(undefined)).products[0]?.adopted).toBeUndefined();
		for (const wrong of [false, null, 1, "true"]) expectError("ERR_INDEX_FORMAT", () => parseHead(head(wrong)));
	});
});
