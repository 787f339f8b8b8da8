/** Tests that strip goes on after a failure and reports it, and that inspect reports what it could not read. */

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { canMount, execFileSync, hasProgram, spawnSync } from "../../../../../test/outside.js";
import {
	canWriteAttributes,
	getfattr,
	MAIN,
	makeTree,
	runner,
	setfattr,
	type TreeEntry,
	temporaryDirectory,
} from "../../support.js";

const SPYTHON = "user.org.python.x-spython-hash";
const isPossible = canWriteAttributes("user");
const isRoot = process.getuid?.() === 0;
const needs = "(needs attr and user attributes)";
const STRIP = ["--format", "spython"];

/** Makes a tree whose files have spython's attribute. */
function open(tree: Record<string, TreeEntry> = { "a.js": "a\n", "lib/b.js": "b\n", "z.js": "z\n" }) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "tree"), tree);
	const at = (file: string) => join(root, file);
	const files = Object.keys(tree).filter((file) => typeof tree[file] === "string");
	for (const file of files) setfattr(at(file), SPYTHON, Buffer.from("x"));
	const left = () => files.filter((file) => getfattr(at(file), SPYTHON) !== undefined);
	return { home, root, at, left, run: runner(home) };
}

describe.skipIf(!isPossible)(`strip ${needs}`, () => {
	test.skipIf(!hasProgram("mkfifo"))(
		"reports a FIFO and a name that is not UTF-8, and strips the rest (needs mkfifo)",
		() => {
			const { root, at, left, run } = open();
			execFileSync("mkfifo", [at("b.pipe")]);
			writeFileSync(Buffer.concat([Buffer.from(at("lib/a")), Buffer.of(0xff)]), "");
			const table = run(["strip", root, ...STRIP]);
			expect(table).toMatchObject({ status: 1, stderr: "" });
			expect(table.stdout).toBe(
				[
					`failed ${root}: 2 problems`,
					"  looked at  3 files",
					`  removed    ${SPYTHON} of 3 files`,
					'  Cannot strip "b.pipe": it is a FIFO [ERR_FILE_TYPE]',
					'  Cannot use entry name "lib/a\\xff": it is not valid UTF-8 [ERR_PATH_ENCODING]',
					"",
				].join("\n"),
			);
			expect(left()).toEqual([]);
			const [document] = run(["strip", root, ...STRIP, "--json"]).json().results;
			expect(document).toMatchObject({
				verdict: "failed",
				files: 3,
				removed: { [SPYTHON]: 0 },
				findings: [{ code: "ERR_FILE_TYPE", path: "b.pipe" }, { code: "ERR_PATH_ENCODING" }],
			});
		},
	);

	test("goes on with the next path after one that it cannot strip", () => {
		const { root, at, left, run } = open({ "a.js": "a\n", "b.js": "b\n", link: { link: "a.js" } });
		const stripped = run(["strip", at("nowhere"), at("link"), at("b.js"), ...STRIP, "--json"]);
		expect(stripped).toMatchObject({ status: 1 });
		expect(stripped.json().results).toMatchObject([
			{ verdict: "failed", error: { code: "ERR_ROOT_MISSING" } },
			{ verdict: "failed", error: { code: "ERR_FILE_TYPE" } },
			{ verdict: "stripped", files: 1, removed: { [SPYTHON]: 1 } },
		]);
		expect(left()).toEqual(["a.js"]);
		expect(run(["strip", at("link"), ...STRIP]).stderr).toContain(
			`Cannot strip "${at("link")}": it is a symbolic link, and links have no such attributes`,
		);
		expect(run(["strip", at("nowhere"), ...STRIP])).toMatchObject({ status: 2 });
		expect(left()).toEqual(["a.js"]);
		expect(run(["strip", root, ...STRIP]).stdout).toMatch(/^stripped /);
		expect(run(["strip", root, ...STRIP]).stdout).toMatch(/^nothing to strip in /);
	});

	test.skipIf(!isRoot || !canMakeImmutable())(
		"tells root why an immutable file keeps its attribute (needs chattr)",
		() => {
			const { root, at, left, run } = open();
			setImmutable(at("lib/b.js"), "+");
			const stripped = run(["strip", root, ...STRIP]);
			expect(stripped).toMatchObject({ status: 3, stderr: "" });
			expect(stripped.stdout).toContain(`undecided ${root}: 1 problem\n  looked at  3 files\n`);
			expect(stripped.stdout).toContain(`removed    ${SPYTHON} of 2 files\n`);
			expect(stripped.stdout).toContain(
				`attribute "${SPYTHON}" of "lib/b.js": the file may be immutable (lsattr shows it) (EPERM) [ERR_ATTRIBUTE_DENIED]`,
			);
			expect(left()).toEqual(["lib/b.js"]);
			expect(run(["strip", at("lib/b.js"), ...STRIP]).stdout).toContain(`of "${at("lib/b.js")}": the file may be`);
			// A file without the attribute is no failure, even if it is immutable.
			expect(run(["strip", root, "--format", "ima", "--namespace", "user"])).toMatchObject({ status: 0, stderr: "" });
		},
	);
});

function setImmutable(file: string, sign: "+" | "-"): void {
	execFileSync("chattr", [`${sign}i`, file], { stdio: "ignore" });
	if (sign === "+") onTestFinished(() => setImmutable(file, "-"));
}

function canMakeImmutable(): boolean {
	if (!hasProgram("chattr")) return false;
	const file = execFileSync("mktemp", { encoding: "utf8" }).trim();
	const isPossible = spawnSync("chattr", ["+i", file]).status === 0;
	spawnSync("chattr", ["-i", file]);
	execFileSync("rm", [file]);
	return isPossible;
}

describe.skipIf(!isPossible)(`inspect ${needs}`, () => {
	test("follows a link and says where it leads", () => {
		const { at, run } = open({ "a.js": "a\n", link: { link: "a.js" } });
		const shown = run(["inspect", at("link")]).stdout;
		expect(shown).toContain(`link to ${at("a.js")}\n`);
		expect(shown).toContain(`${SPYTHON}: malformed, 1 byte\n`);
		expect(run(["inspect", at("link"), "--json"]).json()).toMatchObject({ linkTo: at("a.js") });
		expect(run(["inspect", at("a.js"), "--json"]).json()).toMatchObject({ linkTo: null });
		expect(run(["inspect", at("a.js")]).stdout).not.toContain("link to");
	});

	test("marks a value that it shows only in part", () => {
		const { at, run } = open({ "a.js": "a\n" });
		setfattr(at("a.js"), SPYTHON, Buffer.alloc(1025, 0x61));
		const [shown] = run(["inspect", at("a.js"), "--json"]).json().extendedAttributes;
		expect(shown).toMatchObject({ sizeBytes: 1025, value: "61".repeat(1024), truncated: true });
		expect(run(["inspect", at("a.js"), "--verbose"]).stdout).toContain(`value ${"61".repeat(1024)}…\n`);
	});

	test("says what is wrong with a damaged catalog, and that another file is no catalog", () => {
		const { home, run } = open({});
		for (const [name, message] of [
			["x.cat", "it is cut off, only 3 of 7 bytes are there; copy it again [ERR_DER]"],
			["x.js", "it is no catalog and has no attributes of spython, IMA or EVM [ERR_DER]"],
		]) {
			writeFileSync(join(home, name), Buffer.of(0x30, 0x05, 0));
			const shown = run(["inspect", join(home, name)]);
			expect(shown).toMatchObject({ status: 1, stdout: "" });
			expect(shown.stderr).toContain(`error: Cannot inspect "${join(home, name)}": ${message}`);
		}
	});
});

describe("without @sigtool/native and fs-xattr", () => {
	/** Copies the command line to a directory from which it finds no packages. */
	function withoutPackages() {
		const home = temporaryDirectory();
		cpSync(dirname(MAIN), join(home, "dist"), { recursive: true });
		const run = (...args: string[]) => {
			const env = { NO_COLOR: "1", XDG_CONFIG_HOME: join(home, "config") };
			return spawnSync(process.execPath, [join(home, "dist/main.cjs"), ...args], { env, encoding: "utf8" });
		};
		return { home, root: makeTree(join(home, "tree"), { "a.js": "a\n" }), run };
	}
	const MISSING = "fs-xattr is not installed, and no node_modules above";

	test("inspect says that it did not read attributes, but shows catalogs", () => {
		const { root, run } = withoutPackages();
		const none = run("inspect", join(root, "a.js"));
		expect(none).toMatchObject({ status: 1, stdout: "" });
		expect(none.stderr).toContain(`it is no catalog; its attributes were not looked at: ${MISSING}`);
		expect(none.stderr).not.toContain("has no attributes");
		expect(run("sign", root)).toMatchObject({ status: 0 });
		const shown = run("inspect", join(root, "tree.cat"));
		expect(shown).toMatchObject({ status: 0, stderr: "" });
		expect(shown.stdout).toContain(`attributes not looked at: ${MISSING}`);
		const document = JSON.parse(run("inspect", join(root, "tree.cat"), "--json").stdout);
		expect(document).toMatchObject({
			extendedAttributes: null,
			extendedAttributesError: { code: "ERR_ATTRIBUTES_UNAVAILABLE" },
		});
	});

	test("strip says what is missing", () => {
		const { root, run } = withoutPackages();
		const stripped = run("strip", root, ...STRIP);
		expect(stripped).toMatchObject({ status: 2, stdout: "" });
		expect(stripped.stderr).toContain(MISSING);
	});
});

describe.skipIf(!canMount("ramfs"))("on a file system without attributes (needs root and ramfs)", () => {
	test("strip finds nothing to do, inspect says why, and sign recommends catalogs", () => {
		const home = temporaryDirectory();
		const disk = join(home, "disk");
		mkdirSync(disk);
		execFileSync("mount", ["-t", "ramfs", "ramfs", disk]);
		onTestFinished(() => {
			execFileSync("umount", [disk]);
		});
		const root = makeTree(join(disk, "tree"), { "a.js": "a\n" });
		const run = runner(home);
		const stripped = run(["strip", root, ...STRIP, "--format", "ima"]);
		expect(stripped).toMatchObject({ status: 0, stderr: "" });
		expect(stripped.stdout).toMatch(/^nothing to strip in .*\n +looked at +1 file\n/);
		const inspected = run(["inspect", join(root, "a.js")]).stderr;
		expect(inspected).toContain("it is no catalog; its attributes were not looked at: ");
		expect(inspected).toContain("the file system has no such attributes (ENOTSUP) [");
		const signed = run(["sign", root, ...STRIP]);
		expect(signed).toMatchObject({ status: 3 });
		expect(signed.stderr).toContain("(ENOTSUP); sign into a catalog instead, with `--format cat`");
	});
});
