import { chmodSync, cpSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../../test/outside.js";
import {
	atEndOfFile,
	MAIN,
	makeAuthority,
	makeTree,
	POWERLESS_ROOT,
	runner,
	type TreeEntry,
	temporaryDirectory,
} from "../../support.js";

type Namespace = "user" | "security";

const hasAttr = hasProgram("setfattr") && hasProgram("getfattr");
const isRoot = process.getuid?.() === 0;
const canWrite = (namespace: Namespace): boolean => {
	if (!hasAttr) return false;
	const folder = temporaryDirectory(atEndOfFile);
	writeFileSync(join(folder, "file"), "");
	const { status } = spawnSync("setfattr", ["-n", `${namespace}.ima`, "-v", "0x03", join(folder, "file")]);
	return status === 0;
};

const LIBRARY: Record<string, TreeEntry> = {
	"index.js": "export * from './lib/a.js';\n",
	"lib/a.js": "export const a = 1;\n",
	"lib/empty.js": "",
	"bin/run": { content: "#!/bin/sh\n", mode: 0o755 },
	"bin/a": { link: "../lib/a.js" },
};
const FILES = ["bin/run", "index.js", "lib/a.js", "lib/empty.js"];

/**
 * Makes a value in the form of a signature, version 2: type, version, SHA-256, key id, length, and bytes that differ
 * for each file.
 */
function signatureValue(type: 3 | 5, fill: number): string {
	return Buffer.concat([Buffer.from([type, 2, 4, 1, 2, 3, 4, 0, 71]), Buffer.alloc(71, fill)]).toString("hex");
}

function setfattr(file: string, name: string, hex: string): void {
	execFileSync("setfattr", ["-n", name, "-v", `0x${hex}`, file]);
}

/** Reads an attribute with getfattr, in hexadecimal. Returns undefined if the file does not have the attribute. */
function getfattr(file: string, name: string): string | undefined {
	const { status, stdout } = spawnSync("getfattr", ["--only-values", "--absolute-names", "-n", name, file]);
	return status === 0 ? stdout.toString("hex") : undefined;
}

/** Makes a tree whose catalog carries the files' IMA and EVM signatures, and a copy without the attributes. */
function transported(namespace: Namespace, tree = LIBRARY) {
	const home = temporaryDirectory();
	const sigtool = runner(home);
	const original = makeTree(join(home, "from", "library"), tree);
	const values = FILES.map((path, index): [string, string, string] => {
		return [path, signatureValue(3, index + 1), signatureValue(5, index + 1)];
	});
	for (const [path, ima, evm] of values) {
		setfattr(join(original, path), `${namespace}.ima`, ima);
		setfattr(join(original, path), `${namespace}.evm`, evm);
	}
	const { caFile, keyFile, certFile } = makeAuthority(join(home, "authority"), "P-256");
	const args = ["sign", original, "--format", "cat", "--carry", "ima", "--key", keyFile, "--cert", certFile];
	expect(sigtool([...args, ...(namespace === "user" ? ["--namespace", "user"] : [])])).toMatchObject({ status: 0 });
	const root = join(home, "to", "library");
	cpSync(original, root, { recursive: true, verbatimSymlinks: true });
	for (const path of FILES) expect(getfattr(join(root, path), `${namespace}.ima`), path).toBeUndefined();
	const restore = (...more: string[]) => sigtool(["restore", root, "--trust", caFile, ...more]);
	const found = () => {
		return FILES.map((path) => {
			const of = (name: string) => getfattr(join(root, path), `${namespace}.${name}`);
			return [path, of("ima"), of("evm")];
		});
	};
	return { home, root, caFile, sigtool, restore, values, found };
}

describe.each<Namespace>(["user", "security"])("restore", (namespace) => {
	const name = `${namespace}.* attributes (needs setfattr and a file system that has them)`;
	describe.skipIf(!canWrite(namespace))(name, () => {
		test("restores attributes that a copy lost; a second run writes nothing and says so", () => {
			const { root, restore, values, found } = transported(namespace);
			const first = restore();
			expect(first).toMatchObject({ status: 0, stderr: "" });
			expect(first.stdout).toMatch(new RegExp(`^restored ${root}\n`));
			expect(first.stdout).toMatch(/written +8 attributes of 4 files\n/);
			expect(found()).toEqual(values);
			const second = restore();
			expect(second).toMatchObject({ status: 0 });
			expect(second.stdout).toMatch(/^nothing to restore /);
			expect(second.stdout).toMatch(/written +0 attributes of 0 files\n +unchanged +8 attributes/);
		});

		test("refuses a changed file, names a missing one, and restores the others", () => {
			const { root, restore, values, found } = transported(namespace);
			writeFileSync(join(root, "lib/a.js"), "export const a = 2;\n");
			unlinkSync(join(root, "bin/run"));
			const run = restore("--json");
			expect(run).toMatchObject({ status: 1, stderr: "" });
			expect(run.json()).toMatchObject({
				command: "restore",
				exit: 1,
				verdict: "failed",
				files: 4,
				written: { files: 2, attributes: 4 },
				unchanged: 0,
				findings: [
					{ code: "ERR_FILE_MISSING", path: "bin/run" },
					{ code: "ERR_FILE_MODIFIED", path: "lib/a.js" },
				],
			});
			const untouched = new Set(["bin/run", "lib/a.js"]);
			expect(found()).toEqual(
				values.map(([path, ...rest]) => (untouched.has(path) ? [path, undefined, undefined] : [path, ...rest])),
			);
			expect(restore().stdout).toContain(
				'"lib/a.js" was modified: its attributes are not restored [ERR_FILE_MODIFIED]',
			);
		});

		test("refuses a file whose execute or set-id bits are not as signed, as verify does", () => {
			const { root, caFile, sigtool, restore, found } = transported(namespace);
			chmodSync(join(root, "bin/run"), 0o4755);
			chmodSync(join(root, "lib/a.js"), 0o755);
			const expected = [
				{ code: "ERR_MODE_CHANGED", path: "bin/run" },
				{ code: "ERR_MODE_CHANGED", path: "lib/a.js" },
			];
			const verified = sigtool(["verify", root, "--trust", caFile, "--json"]);
			expect(verified.json().results[0].findings).toMatchObject(expected);
			const run = restore("--json");
			expect(run).toMatchObject({ status: 1 });
			expect(run.json()).toMatchObject({ verdict: "failed", written: { files: 2 }, findings: expected });
			for (const [path, ima, evm] of found().filter(([path]) => path === "bin/run" || path === "lib/a.js")) {
				expect([ima, evm], path).toEqual([undefined, undefined]);
			}
			expect(restore().stdout).toContain(
				'"bin/run" has mode 4755, signed with 755: its attributes are not restored [ERR_MODE_CHANGED]',
			);
			chmodSync(join(root, "bin/run"), 0o755);
			chmodSync(join(root, "lib/a.js"), 0o640);
			expect(restore()).toMatchObject({ status: 0 });
		});

		test("refuses a catalog whose signer is not trusted", () => {
			const { root, sigtool, found } = transported(namespace);
			expect(sigtool(["restore", root]).stderr).toContain("[ERR_UNTRUSTED_SIGNER]");
			expect(found()).toEqual(FILES.map((path) => [path, undefined, undefined]));
		});

		test("verify and inspect read the catalog that carries them", () => {
			const { root, caFile, sigtool, values } = transported(namespace);
			expect(sigtool(["verify", root, "--trust", caFile])).toMatchObject({ status: 0 });
			const catalog = join(root, "library.cat");
			const shown = sigtool(["inspect", catalog]).stdout;
			expect(shown).toContain("carries 8 extended attributes of 4 files");
			expect(shown).toContain(`carries ${namespace}.ima, 80 bytes\n`);
			const base64 = Buffer.from(values[1][1], "hex").toString("base64");
			expect(sigtool(["inspect", catalog, "--verbose"]).stdout).toContain(`${namespace}.ima, 80 bytes ${base64}\n`);
			const { carried, members, facts } = sigtool(["inspect", catalog, "--json"]).json();
			expect(carried).toEqual({ files: 4, attributes: 8 });
			const index = members.find((member: { name: string }) => member.name === "index.js");
			expect(index.carried[0]).toEqual({ name: `${namespace}.ima`, sizeBytes: 80, base64 });
			expect(facts.carried.map(([path]: [string]) => path)).toEqual(["lib/empty.js"]);
		});
	});
});

describe.skipIf(!isRoot || !canWrite("security") || !hasProgram("setpriv"))(
	"restore without privileges (needs root to drop them)",
	() => {
		test("names each file and the way out, with exit status 3", () => {
			const { root, caFile } = transported("security");
			const [setpriv, ...powerless] = POWERLESS_ROOT;
			const run = spawnSync(setpriv, [...powerless, process.execPath, MAIN, "restore", root, "--trust", caFile], {
				env: { PATH: process.env.PATH, NO_COLOR: "1", HOME: "/nonexistent" },
				encoding: "utf8",
			});
			expect(run).toMatchObject({ status: 3, stderr: "" });
			expect(run.stdout).toMatch(new RegExp(`^undecided ${root}: 4 files not restored\n`));
			for (const path of FILES) expect(run.stdout).toContain(`"security.ima" of "${path}"`);
			expect(run.stdout).toMatch(/needs a root that has CAP_SYS_ADMIN \(EPERM\) \[ERR_ATTRIBUTE_DENIED\]/);
			expect(run.stdout).not.toContain("--namespace");
		});
	},
);

describe.skipIf(!hasProgram("osslsigncode") || !canWrite("user"))("osslsigncode", () => {
	test("accepts a catalog that carries attributes, and its members", () => {
		const { root, caFile } = transported("user", { ...LIBRARY, "script.ps1": "Write-Output 'hello'\r\n" });
		const catalog = join(root, "library.cat");
		const verify = (...args: string[]) => {
			return spawnSync("osslsigncode", ["verify", ...args, "-CAfile", caFile], { encoding: "utf8" });
		};
		expect(verify("-in", catalog).stdout).toContain("Signature verification: ok");
		expect(verify("-catalog", catalog, "-in", join(root, "script.ps1"))).toMatchObject({ status: 0 });
	});
});

describe("restore", () => {
	test("says what to do when the catalog carries nothing", () => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "library"), LIBRARY);
		expect(runner(home)(["sign", root])).toMatchObject({ status: 0 });
		const run = runner(home)(["restore", root]);
		expect(run).toMatchObject({ status: 2, stdout: "" });
		expect(run.stderr).toContain("carries no attributes for it; `sigtool sign --format cat --carry ima` makes one");
	});

	test("refuses a --root that the directory is not below, and advises no option that restore does not have", () => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "library"), LIBRARY);
		const elsewhere = makeTree(join(home, "elsewhere"), LIBRARY);
		expect(runner(home)(["sign", root])).toMatchObject({ status: 0 });
		const run = runner(home)(["restore", root, "--root", elsewhere]);
		expect(run).toMatchObject({ status: 2, stdout: "" });
		expect(run.stderr).toContain(
			`it does not lie below "${elsewhere}"; name the signed directory with --root [ERR_USAGE]`,
		);
	});

	test("shows its examples", () => {
		expect(runner(temporaryDirectory())(["restore", "--help"]).stdout).toContain("$ sigtool restore ./lib\n");
	});
});
