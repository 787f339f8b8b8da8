import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hashFileSet } from "../../../dist/fileset/hash/hash-files.js";
import { signPaths } from "../../../dist/sign/sign.js";
import { verifyPath } from "../../../dist/verify/verify.js";
import { signer, trust } from "../hostile-catalog.js";
import { pathsOf, tempTree } from "../temp-tree.js";

async function findingsOf(root: string): Promise<string[]> {
	const { verdict, findings } = await verifyPath(root, { trust });
	expect(verdict).toBe("failed");
	return findings.map(({ code, path }) => `${code} ${path}`);
}

/** A directory lists names in an order of the file system's choice, so each test tries several pairs of names. */
const PAIRS = ["sub", "a", "b", "c", "d", "lib", "x1", "name"].map((name) => [name, name.toUpperCase()] as const);

describe.skipIf(process.platform !== "linux")("names that collide with signed names (Linux)", () => {
	it.each(PAIRS)("%s and %s: a directory hides nothing below the signed one", async (name, other) => {
		const root = tempTree({ [`${name}/same`]: "1", [`${name}/changed`]: "1", [`${name}/missing`]: "1" });
		await signPaths([root], { signer });
		mkdirSync(join(root, other));
		writeFileSync(join(root, name, "changed"), "2");
		writeFileSync(join(root, name, "added"), "1");
		rmSync(join(root, name, "missing"));
		writeFileSync(join(root, other, "added"), "1");
		const findings = await findingsOf(root);
		expect(findings.filter((finding) => !finding.startsWith("ERR_PATH_CASE_COLLISION")).sort()).toEqual(
			[
				`ERR_FILE_ADDED ${other}/added`,
				`ERR_FILE_ADDED ${name}/added`,
				`ERR_FILE_MODIFIED ${name}/changed`,
				`ERR_FILE_MISSING ${name}/missing`,
			].sort(),
		);
		expect(findings).toHaveLength(5);
	});

	it.each(PAIRS)("%s and %s: a file does not hide a change of the signed one", async (name, other) => {
		const root = tempTree({ [name]: "1" });
		await signPaths([root], { signer });
		writeFileSync(join(root, name), "2");
		writeFileSync(join(root, other), "1");
		const findings = await findingsOf(root);
		expect(findings).toHaveLength(3);
		expect(findings).toEqual(expect.arrayContaining([`ERR_FILE_MODIFIED ${name}`, `ERR_FILE_ADDED ${other}`]));
	});

	it("a directory that is named otherwise is missing and added, not only colliding", async () => {
		const root = tempTree({ "sub/a": "1" });
		await signPaths([root], { signer });
		renameSync(join(root, "sub"), join(root, "SUB"));
		expect(await findingsOf(root)).toEqual(["ERR_FILE_ADDED SUB/a", "ERR_FILE_MISSING sub/a"]);
	});

	it("names that NFC makes equal are hashed too", async () => {
		const root = tempTree({ "\u00e9/a": "1", "e\u0301/b": "1" });
		const manifest = await hashFileSet(root, { onProblem: "collect" });
		expect(pathsOf(manifest)).toEqual(["e\u0301/b", "\u00e9/a"]);
		expect(manifest.problems.map(({ code }) => code)).toEqual(["ERR_PATH_NFC_COLLISION"]);
	});
});
