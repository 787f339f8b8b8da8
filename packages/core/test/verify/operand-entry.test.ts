/**
 * Tests with random trees, links and paths that `verify` judges the file that the kernel opens. realpath(3) and stat(2)
 * show which file that is.
 */

import { mkdirSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SigtoolError } from "../../dist/errors.js";
import { hashFileSet } from "../../dist/fileset/hash/hash-files.js";
import { absolutePath } from "../../dist/fileset/paths/absolute-path.js";
import { encodeCatalog } from "../../dist/formats/cat-encode.js";
import { signEncoded } from "../../dist/formats/cat-envelope.js";
import { entryFacts } from "../../dist/formats/cat-facts.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { operandEntry } from "../../dist/verify/operand-entry.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { tempTree } from "../fileset/temp-tree.js";
import { certificateFor, p256 } from "../signer/material.js";

const RUNS = process.env.SIGTOOL_FULL === undefined ? 100 : 1000;
const key = p256();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);

/** Files with different content, in the signed tree `lib` and beside it. */
const FILES = ["lib/x", "lib/y", "lib/a/x", "lib/a/b/x", "lib/a/b/y", "lib/c/x", "x", "a/x", "out/x", "out/lib/x"];
const NAMES = ["x", "y", "a", "b", "c", "l0", "l1", "l2", "gone", "lib", "out", ".", "..", "..", "..", ""];

const steps = fc
	.tuple(
		fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 5 }),
		fc.constantFrom("x", "y", "x/", undefined),
	)
	.map(([directories, last]) => [...directories, last ?? []].flat().join("/"));
/** The target of a link. `HOME` stands for the home directory of the test. */
const target = fc.oneof(
	{ weight: 3, arbitrary: steps.filter((text) => text !== "" && !text.startsWith("/")) },
	{ weight: 1, arbitrary: steps.map((text) => `HOME/lib/${text}`) },
	{ weight: 1, arbitrary: steps.map((text) => `HOME/${text}`) },
);
const link = fc.record({ directory: fc.constantFrom("", "lib", "lib/a", "lib/a/b", "lib/c", "out"), target });
const operand = fc.record({
	base: fc.constantFrom("HOME/lib/", "HOME/", "HOME/alias/", ""),
	cwd: fc.constantFrom("lib", "lib/a", "alias/c", "out"),
	steps,
});

async function sign(root: string): Promise<void> {
	const manifest = await hashFileSet(root, { linksOutside: "record" });
	const rules = { ignore: [], include: [], scope: "root", caseCollisions: "refuse", modes: "none" } as const;
	const list = encodeCatalog(
		manifest,
		{ ...rules, links: "record", ...entryFacts(manifest) },
		{ thisUpdate: Date.now() },
	);
	const { pieces } = await signEncoded(list, signer, {});
	writeFileSync(join(root, `${basename(root)}.cat`), Buffer.concat(pieces));
}

/** Returns the result, or the code of the SigtoolError. */
async function attempt<T>(run: () => T | Promise<T>): Promise<T | string> {
	try {
		return await run();
	} catch (error) {
		if (error instanceof SigtoolError) return error.code;
		throw error;
	}
}

/** Returns the real path of the file that the kernel opens, or undefined if it opens none. */
function openedByKernel(path: string): string | undefined {
	try {
		statSync(path);
		return realpathSync.native(path);
	} catch {
		return undefined;
	}
}

const isWithin = (path: string, root: string) => path === root || path.startsWith(`${root}/`);

describe.skipIf(process.platform === "win32")("verify judges the file that the kernel opens", () => {
	it("for random links and paths, from random working directories", async () => {
		const before = process.cwd();
		const counts = { inside: 0, outside: 0, none: 0, trusted: 0, changed: 0 };
		const property = fc.asyncProperty(
			fc.array(link, { maxLength: 3 }),
			fc.array(operand, { minLength: 8, maxLength: 8 }),
			fc.subarray(FILES.filter((file) => file.startsWith("lib/"))),
			async (links, operands, changes) => {
				const home = tempTree(Object.fromEntries(FILES.map((file) => [file, `content of ${file}`])));
				const root = join(home, "lib");
				symlinkSync("lib", join(home, "alias"));
				for (const [index, { directory, target }] of links.entries()) {
					mkdirSync(join(home, directory), { recursive: true });
					symlinkSync(target.replace("HOME", home), join(home, directory, `l${index}`));
				}
				await sign(root);
				const catalogs = [join(root, "lib.cat")];
				const changed = changes.map((file) => join(home, file));
				for (const file of changed) writeFileSync(file, "evil");
				for (const { base, cwd, steps } of operands) {
					const path = `${base.replace("HOME", home)}${steps}`;
					if (path === "") continue;
					process.chdir(join(home, cwd));
					const opened = openedByKernel(path);
					const about = `${path} in ${cwd}: ${opened}`;
					const found = await attempt(() => operandEntry(root, path, "record"));
					const entry = typeof found === "string" ? undefined : found.entry;
					if (opened === undefined) {
						counts.none++;
						if (entry !== undefined) expect(openedByKernel(join(root, entry)), about).toBe(undefined);
					} else if (isWithin(opened, root)) {
						counts.inside++;
						expect(entry === undefined ? found : join(root, entry), about).toBe(opened);
						expect(openedByKernel(absolutePath(path)), about).toBe(opened);
					} else {
						counts.outside++;
						expect(entry, about).toBe(undefined);
						expect(openedByKernel(absolutePath(path)), about).toBe(opened);
					}
					if (changed.includes(opened ?? "")) counts.changed++;
					// Comparing whole directories would take most of the time. The paths of directories were already
					// resolved above.
					if (opened !== undefined && statSync(opened).isDirectory()) continue;
					for (const options of [{ trust }, { trust, root, catalogs }, { trust, catalogs }]) {
						const verification = await attempt(() => verifyPath(path, options));
						if (typeof verification === "string" || verification.verdict !== "trusted") continue;
						const [warning] = verification.warnings;
						if (warning?.includes("leads out of the signed tree")) continue;
						counts.trusted++;
						expect(opened !== undefined && isWithin(opened, root), about).toBe(true);
						expect(changed, about).not.toContain(opened);
					}
				}
			},
		);
		try {
			await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
		} finally {
			process.chdir(before);
		}
		// The random paths must reach every case.
		for (const [name, count] of Object.entries(counts)) expect([name, count > 0]).toEqual([name, true]);
	});

	it("absolutePath() keeps links, except before `..`", () => {
		const home = tempTree({ "a/b/x": "1", l: { link: "a/b" }, file: "2" });
		expect(absolutePath(`${home}/l/x`)).toBe(`${home}/l/x`);
		expect(absolutePath(`${home}//l/./x`)).toBe(`${home}/l/x`);
		expect(absolutePath(`${home}/l/../b`)).toBe(`${home}/a/b`);
		expect(absolutePath(`${home}/a/../l`)).toBe(`${home}/l`);
		expect(absolutePath(`${home}/gone/x`)).toBe(`${home}/gone/x`);
		expect(absolutePath(`${dirname(home)}/../../../..`)).toBe("/");
		for (const path of ["gone/..", "file/..", "file/", "file/.", "gone/"])
			expect(() => absolutePath(`${home}/${path}`), path).toThrow(
				expect.objectContaining({ code: "ERR_ROOT_MISSING" }),
			);
	});
});
