import { createHash } from "node:crypto";
import {
	chmodSync,
	existsSync,
	mkdirSync,
	readFileSync,
	realpathSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../test/outside.js";
import { adoptPackages } from "../../dist/compile/adopt-packages.js";
import { compileTrustIndex } from "../../dist/compile/compile.js";
import { sharedDirectoryWarning } from "../../dist/compile/shared-directory.js";
import { planPackages } from "../../dist/fileset/packages/packaged-files.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { verifyTrustIndex } from "../../dist/trust/verify-index.js";
import { compareEntries } from "../../dist/verify/compare-entries.js";
import { tempTree } from "../fileset/temp-tree.js";
import { expectError } from "../pki/expect-error.js";
import { processorMs } from "../processor-time.js";
import { certificateFor, expectRejection, rsa2048 } from "../signer/material.js";

const key = rsa2048();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);

const MODULES = "usr/lib/python3/dist-packages";
const FLASK = {
	[`${MODULES}/flask/__init__.py`]: "flask",
	[`${MODULES}/flask/app.py`]: "app",
	[`${MODULES}/flask/data.txt`]: "data",
	"usr/bin/flask": "#!",
	"usr/share/doc/python3-flask/copyright": "c",
};
const FOREIGN = { [`${MODULES}/other/__init__.py`]: "other" };

/** A system with the files of a package and, unless `info` has others, dpkg's lists of it. */
function system(files: Readonly<Record<string, string>> = FLASK, info: Readonly<Record<string, string>> = {}): string {
	const root = realpathSync(tempTree({ ...files, ...FOREIGN }));
	const lists = { "info/python3-flask.list": listOf(files), "info/python3-flask.md5sums": digestsOf(files), ...info };
	for (const [name, text] of Object.entries(lists)) put(root, `var/lib/dpkg/${name}`, text);
	return root;
}

function put(root: string, path: string, text: string): void {
	mkdirSync(dirname(join(root, path)), { recursive: true });
	writeFileSync(join(root, path), text);
}

/** Lists directories before what they contain, as dpkg does. */
function listOf(files: Readonly<Record<string, string>>): string {
	const paths = new Set<string>(["/."]);
	for (const file of Object.keys(files).sort()) {
		const steps = file.split("/");
		for (let end = 1; end <= steps.length; end++) paths.add(`/${steps.slice(0, end).join("/")}`);
	}
	return [...paths].map((path) => `${path}\n`).join("");
}

function digestsOf(files: Readonly<Record<string, string>>): string {
	const md5 = (text: string) => createHash("md5").update(text).digest("hex");
	return Object.entries(files)
		.map(([path, text]) => `${md5(text)}  ${path}\n`)
		.join("");
}

async function adopt(
	root: string,
	{ changes = "refuse", names = ["python3-flask"] }: { changes?: "refuse" | "accept"; names?: readonly string[] } = {},
) {
	const plan = planPackages(names, root);
	const roots = plan.trees.map((tree) => tree.root);
	const compiled = await adoptPackages(plan, { roots, trust, onProgress: undefined, changes });
	return {
		packages: plan.packages,
		warnings: compiled.flatMap(({ warnings }) => warnings),
		entries: Object.fromEntries(
			compiled.map(({ content }) => [content.root.slice(root.length), [...content.entries.keys()].sort()]),
		),
	};
}

const CHANGED = /app\.py".*changed since package python3-flask was installed/;

describe("adoptPackages()", () => {
	it("records exactly what dpkg lists, by the directory of the modules, and nothing of other packages", async () => {
		expect(await adopt(system())).toEqual({
			packages: [{ name: "python3-flask", fileCount: 3, otherCount: 2 }],
			warnings: [],
			entries: {
				"/usr/lib/python3": [
					"dist-packages/flask/__init__.py",
					"dist-packages/flask/app.py",
					"dist-packages/flask/data.txt",
				],
			},
		});
	});

	it("takes the bytecode that was made of listed sources, and no other bytecode", async () => {
		const root = system();
		for (const name of ["app.cpython-313.pyc", "app.cpython-313.opt-1.pyc", "evil.cpython-313.pyc", "app.pyc"]) {
			put(root, `${MODULES}/flask/__pycache__/${name}`, "bytecode");
		}
		const { entries } = await adopt(root);
		expect(entries["/usr/lib/python3"]?.filter((path) => path.endsWith(".pyc"))).toEqual([
			"dist-packages/flask/__pycache__/app.cpython-313.opt-1.pyc",
			"dist-packages/flask/__pycache__/app.cpython-313.pyc",
		]);
	});

	it.each<[what: string, spoil: (root: string) => void]>([
		["was changed", (root) => put(root, `${MODULES}/flask/app.py`, "changed")],
		["is missing", (root) => rmSync(join(root, MODULES, "flask/app.py"))],
		[
			"became a link",
			(root) => {
				rmSync(join(root, MODULES, "flask/app.py"));
				symlinkSync("__init__.py", join(root, MODULES, "flask/app.py"));
			},
		],
	])("refuses a file that %s since the installation, unless changes are accepted", async (_, spoil) => {
		const root = system();
		await adopt(root);
		spoil(root);
		await expect(adopt(root)).rejects.toMatchObject({ code: "ERR_PACKAGE", message: expect.stringMatching(CHANGED) });
		expect((await adopt(root, { changes: "accept" })).warnings).toEqual([expect.stringMatching(CHANGED)]);
	});

	it("follows diversions: the package's file lies elsewhere, and that of the diverter is its own", async () => {
		const path = `${MODULES}/flask/app.py`;
		const diversions = `/${path}\n/${path}.distrib\npython3-diverter\n`;
		const root = system(FLASK, {
			diversions,
			"info/python3-diverter.list": listOf({ [path]: "" }),
			"info/python3-diverter.md5sums": digestsOf({ [path]: "diverted" }),
		});
		put(root, `${path}.distrib`, "app");
		put(root, path, "diverted");
		const own = await adopt(root);
		expect(own.warnings).toEqual([]);
		expect(own.entries["/usr/lib/python3"]).toContain("dist-packages/flask/app.py.distrib");
		expect(own.entries["/usr/lib/python3"]).not.toContain("dist-packages/flask/app.py");
		expect((await adopt(root, { names: ["python3-diverter"] })).entries).toEqual({
			"/usr/lib/python3": ["dist-packages/flask/app.py"],
		});
	});

	it("accepts a changed configuration file, and says which files dpkg has no digest of", async () => {
		const files = { "etc/python3.13/sitecustomize.py": "as installed", "usr/lib/python3.13/os.py": "os" };
		const root = system(files, {
			"info/python3-flask.conffiles": "/etc/python3.13/sitecustomize.py\nremove-on-upgrade /etc/old\n",
			"info/python3-flask.md5sums": "",
		});
		put(root, "etc/python3.13/sitecustomize.py", "as the administrator wants");
		const { warnings, entries } = await adopt(root);
		expect(entries).toEqual({ "/etc/python3.13": ["sitecustomize.py"], "/usr/lib/python3.13": ["os.py"] });
		expect(warnings).toEqual([expect.stringMatching(/python3\.13", dpkg has no digest of 1 files/)]);
	});

	it("records links, and finds files below /lib where /lib leads to /usr/lib", async () => {
		const files = { "lib/python3/x.py": "x" };
		const root = realpathSync(tempTree({ "usr/lib/python3/x.py": "x" }));
		symlinkSync("usr/lib", join(root, "lib"));
		symlinkSync("x.py", join(root, "usr/lib/python3/y.py"));
		put(root, "var/lib/dpkg/info/python3-flask.list", `${listOf(files)}/lib/python3/y.py\n`);
		put(root, "var/lib/dpkg/info/python3-flask.md5sums", digestsOf(files));
		expect(await adopt(root)).toMatchObject({ entries: { "/usr/lib/python3": ["x.py", "y.py"] }, warnings: [] });
	});

	it("asks for the architecture only if the package is installed for several", async () => {
		const list = listOf(FLASK);
		const root = system(FLASK, {
			"info/libpy:amd64.list": list,
			"info/libpy:i386.list": list,
			"info/one:amd64.list": list,
		});
		expect((await adopt(root, { names: ["one"] })).packages).toMatchObject([{ name: "one:amd64" }]);
		expect((await adopt(root, { names: ["libpy:i386"] })).packages).toMatchObject([{ name: "libpy:i386" }]);
		expectError("ERR_PACKAGE", () => planPackages(["libpy"], root));
		expectError("ERR_PACKAGE", () => planPackages(["one:i386"], root));
	});

	it.each([
		"",
		"../flask",
		"python3-flask.list",
		"Python3-Flask",
		"a/b",
		"python3-flask:",
		"x".repeat(500),
		"not-there",
	])("refuses the name %j", (name) => {
		expectError("ERR_PACKAGE", () => planPackages([name], system()));
	});

	it.each([
		["a path with ..", `/${MODULES}/../../../etc/x.py\n`],
		["a path with .", `/${MODULES}/./x.py\n`],
		["an empty step", `/${MODULES}//x.py\n`],
		["a relative path", "usr/lib/python3/x.py\n"],
		["a path with a line break", `/${MODULES}/x\ny.py\n`],
		["a control character", `/${MODULES}/x\r\n`],
		["a NUL", `/${MODULES}/x\0y.py\n`],
		["an empty line", "\n"],
		["no line break at its end", `/${MODULES}/x.py`],
	])("refuses a list with %s", (_, line) => {
		expectError("ERR_PACKAGE", () =>
			planPackages(["python3-flask"], system(FLASK, { "info/python3-flask.list": listOf(FLASK) + line })),
		);
	});

	it("refuses lists that are no UTF-8 or too large, and damaged digests and diversions", () => {
		const bad = system();
		writeFileSync(join(bad, "var/lib/dpkg/info/python3-flask.list"), Buffer.from([0x2f, 0xff, 0x0a]));
		expectError("ERR_PACKAGE", () => planPackages(["python3-flask"], bad));
		const huge = system();
		execFileSync("truncate", ["-s", "100M", join(huge, "var/lib/dpkg/info/python3-flask.list")]);
		expectError("ERR_LIMIT", () => planPackages(["python3-flask"], huge));
		const damaged: readonly Record<string, string>[] = [
			{ "info/python3-flask.md5sums": "abc  usr/x\n" },
			{ diversions: "/a\n/b\n" },
			{ diversions: "/a\n../b\nc\n" },
		];
		for (const info of damaged) {
			expectError("ERR_PACKAGE", () => planPackages(["python3-flask"], system(FLASK, info)));
		}
	});

	it("refuses what is reached through a link that leads elsewhere", async () => {
		const inside = system();
		mkdirSync(join(inside, "elsewhere"));
		put(inside, "elsewhere/app.py", "app");
		rmSync(join(inside, MODULES, "flask"), { recursive: true });
		symlinkSync(join(inside, "elsewhere"), join(inside, MODULES, "flask"));
		await expectRejection("ERR_LINK_PARENT", adopt(inside, { changes: "accept" }));
		const above = system();
		execFileSync("mv", [join(above, "usr/lib/python3"), join(above, "moved")]);
		symlinkSync(join(above, "moved"), join(above, "usr/lib/python3"));
		await expectRejection("ERR_LINK_PARENT", adopt(above));
	});

	it("refuses special files, directories that everyone may write, and denied files", async () => {
		const special = system();
		rmSync(join(special, MODULES, "flask/app.py"));
		execFileSync("mkfifo", [join(special, MODULES, "flask/app.py")]);
		await expectRejection("ERR_FILE_TYPE", adopt(special, { changes: "accept" }));
		const open = system();
		chmodSync(join(open, MODULES, "flask"), 0o777);
		await expectRejection("ERR_USAGE", adopt(open));
		const sha256 = createHash("sha256").update("app").digest("hex");
		const denying = { ...trust, deny: [{ kind: "file", sha256, reason: "worm" }] } as const;
		const plan = planPackages(["python3-flask"], system());
		const options = { roots: [], trust: denying, onProgress: undefined, changes: "accept" } as const;
		await expectRejection("ERR_DENIED", adoptPackages(plan, options));
	});

	it("stays fast with a list of 20,000 files in a directory with much bytecode", () => {
		const files = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`${MODULES}/big/m${n}.py`, ""]));
		const root = system({}, { "info/python3-flask.list": listOf(files) });
		for (let n = 0; n < 3000; n++) put(root, `${MODULES}/big/__pycache__/m${n}.cpython-313.pyc`, "");
		const began = processorMs();
		expect(planPackages(["python3-flask"], root).packages).toEqual([
			{ name: "python3-flask", fileCount: 23_000, otherCount: 0 },
		]);
		expect(processorMs() - began).toBeLessThan(5000);
	});

	it("warns of .pth files that no adopted package has", async () => {
		const files = { ...FLASK, [`${MODULES}/own.pth`]: "import flask" };
		const root = system(files);
		put(root, `${MODULES}/foreign.pth`, "import other");
		expect((await adopt(root)).warnings).toEqual([
			expect.stringMatching(/reads ".*\/foreign\.pth" at each start.*; no package has it: remove it$/),
		]);
		put(root, "var/lib/dpkg/info/python3-other.list", listOf({ [`${MODULES}/foreign.pth`]: "" }));
		expect((await adopt(root)).warnings).toEqual([
			expect.stringMatching(/foreign\.pth" .*; adopt its package python3-other too, or remove it$/),
		]);
	});

	it("refuses a package without code", () => {
		expectError("ERR_PACKAGE", () => planPackages(["python3-flask"], system({ "usr/share/doc/x/README": "r" })));
	});
});

const real = "/var/lib/dpkg/info/python3-yaml.list";
const hasYaml = existsSync(real) && existsSync("/usr/lib/python3/dist-packages/yaml");

describe.skipIf(!hasYaml)("compileTrustIndex() with the package python3-yaml of this machine", () => {
	it("records the package's files, and of other packages none", async () => {
		const output = join(tempTree({}), "x.sigx");
		const { packages, products } = await compileTrustIndex([], {
			output,
			trust,
			signer,
			adoptPackages: ["python3-yaml"],
		});
		const { index } = verifyTrustIndex(readFileSync(output), { trust });
		expect(products).toMatchObject([{ name: "/usr/lib/python3", adopted: true }]);
		expect(packages).toMatchObject([{ name: "python3-yaml" }]);
		const listed = new Set(readFileSync(real, "utf8").split("\n"));
		const paths = Array.from(index.entries("/usr/lib/python3"), ([path]) => path).filter(
			(path) => !path.endsWith(".pyc"),
		);
		expect(paths.length).toBeGreaterThan(15);
		expect(paths.filter((path) => !listed.has(`/usr/lib/python3/${path}`))).toEqual([]);
		const source = readFileSync("/usr/lib/python3/dist-packages/yaml/__init__.py");
		expect(index.find("/usr/lib/python3", "dist-packages/yaml/__init__.py")).toMatchObject({
			sha256: createHash("sha256").update(source).digest("hex"),
		});
	});

	it("refuses to write the index among the files, and to adopt a directory twice", async () => {
		const packaged = { trust, signer, adoptPackages: ["python3-yaml"] };
		await expectRejection("ERR_USAGE", compileTrustIndex([], { ...packaged, output: "/usr/lib/python3/x.sigx" }));
		const output = join(tempTree({}), "x.sigx");
		const twice = compileTrustIndex([], { ...packaged, output, adopt: ["/usr/lib/python3"] });
		await expect(twice).rejects.toThrow(
			/^Cannot compile "\/usr\/lib\/python3" twice: .*leave out --adopt or --adopt-package$/,
		);
	});
});

const canInstall = process.getuid?.() === 0 && hasProgram("dpkg-deb");

describe.skipIf(!canInstall)("packages that dpkg itself installs, upgrades and diverts (needs root and dpkg)", () => {
	/** Builds a package with these files, and installs it below `root`. */
	function install(root: string, version: string, files: Readonly<Record<string, string>>): void {
		const tree = tempTree(files);
		chmodSync(tree, 0o755);
		const control = `Package: shop-lib\nVersion: ${version}\nArchitecture: all\nMaintainer: a <a@b>\nDescription: a\n`;
		put(tree, "DEBIAN/control", control);
		put(tree, "DEBIAN/md5sums", digestsOf(files));
		put(tree, "DEBIAN/conffiles", "/etc/shop/settings.py\n");
		dpkg("dpkg-deb", "--build", "--root-owner-group", tree, join(root, "shop.deb"));
		dpkg("dpkg", "--root", root, "--force-confold", "--install", join(root, "shop.deb"));
	}

	function dpkg(...[program = "", ...args]: readonly string[]): void {
		const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
		expect([status, stderr]).toEqual([0, expect.any(String)]);
	}

	it("reads their lists, and finds what an upgrade changed", async () => {
		const root = tempTree({ "var/lib/dpkg/status": "", "var/lib/dpkg/available": "" });
		for (const directory of ["info", "updates", "triggers"]) mkdirSync(join(root, "var/lib/dpkg", directory));
		const path = "usr/lib/python3/dist-packages/shop/__init__.py";
		const files = {
			[path]: "1",
			"etc/shop/settings.py": "s",
			"usr/bin/shop": "#!",
			"usr/share/doc/shop/README": "r",
		};
		install(root, "1", files);
		put(root, "etc/shop/settings.py", "of the administrator");
		const before = await compiledOf(root);
		expect(before.map(({ content }) => [content.root, [...content.entries.keys()]])).toEqual([
			[join(root, "etc/shop"), ["settings.py"]],
			[join(root, "usr/lib/python3"), ["dist-packages/shop/__init__.py"]],
		]);
		const modules = before[1]?.content.entries ?? new Map();
		expect(await compareEntries(join(root, "usr/lib/python3"), modules)).toEqual([]);

		install(root, "2", { ...files, [path]: "2" });
		expect(await compareEntries(join(root, "usr/lib/python3"), modules)).toMatchObject([{ code: "ERR_FILE_MODIFIED" }]);
		expect((await compiledOf(root)).flatMap(({ warnings }) => warnings)).toEqual([]);

		dpkg(
			"dpkg-divert",
			"--root",
			root,
			"--rename",
			"--package",
			"other",
			"--divert",
			`/${path}.moved.py`,
			"--add",
			`/${path}`,
		);
		put(root, path, "of the package other");
		const diverted = await compiledOf(root);
		expect([...(diverted[1]?.content.entries.keys() ?? [])]).toEqual(["dist-packages/shop/__init__.py.moved.py"]);
	});

	async function compiledOf(root: string) {
		const plan = planPackages(["shop-lib"], root);
		return adoptPackages(plan, {
			roots: plan.trees.map((tree) => tree.root),
			trust,
			onProgress: undefined,
			changes: "refuse",
		});
	}
});

describe("sharedDirectoryWarning()", () => {
	it("names a directory with more than 1,000 files of packages other than the largest", () => {
		const filesOf = (name: string, count: number) =>
			listOf(Object.fromEntries(Array.from({ length: count }, (_, n) => [`${MODULES}/${name}/m${n}.py`, ""])));
		const shared = (small: number) => {
			const root = system(FLASK, { "info/big.list": filesOf("big", 3000), "info/small.list": filesOf("small", small) });
			return sharedDirectoryWarning(join(root, "usr/lib/python3"), root);
		};
		expect(shared(997)).toBeUndefined();
		expect(shared(998)).toMatch(/python3" has 4001 files of 3 packages/);
	});
});
