/**
 * Tests every way in which people call `verify`, including the habits of `sha256sum -c`, on random trees with random
 * changes. In every form, an intact tree ends with 0, and a tree with a changed, added or missing file ends with 1.
 */

import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeTree, runner } from "../../support.js";

/** Each run starts Node.js twice for each form, which takes most of the time. */
const RUNS = process.env.SIGTOOL_FULL === undefined ? 4 : 60;

interface Form {
	readonly name: string;
	readonly args: (place: Place) => readonly string[];
	readonly cwd: (place: Place) => string;
}

interface Place {
	readonly home: string;
	readonly root: string;
	readonly catalog: string;
}

const outside = ({ home }: Place) => join(home, "elsewhere");
const inside = ({ root }: Place) => root;

/** The forms are listed without -q. Each form is also tried with -q before the operands and with --quiet after them. */
const FORMS: readonly Form[] = [
	{ name: "verify D", args: ({ root }) => [root], cwd: outside },
	{ name: "verify .", args: () => ["."], cwd: inside },
	{ name: "verify X.cat", args: ({ catalog }) => [catalog], cwd: outside },
	{ name: "verify ./X.cat", args: ({ root, catalog }) => [`./${catalog.slice(root.length + 1)}`], cwd: inside },
	{ name: "verify X.cat --root D", args: ({ root, catalog }) => [catalog, "--root", root], cwd: outside },
	{ name: "verify X.cat --root .", args: ({ catalog }) => [catalog, "--root", "."], cwd: inside },
	{ name: "verify D --catalog X.cat", args: ({ root, catalog }) => [root, "--catalog", catalog], cwd: outside },
	{ name: "verify D --product d", args: ({ root }) => [root, "--product", "d"], cwd: outside },
	{ name: "verify D X.cat", args: ({ root, catalog }) => [root, catalog], cwd: outside },
	{ name: "verify D --json", args: ({ root }) => [root, "--json"], cwd: outside },
	{ name: "verify D --added fail", args: ({ root }) => [root, "--added", "fail"], cwd: outside },
];

const name = fc.stringMatching(/^[a-z][a-z0-9_ -]{0,6}[a-z0-9]$/);
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((steps) => steps.join("/"));
const content = fc.string({ maxLength: 40 });

/** A tree in which no file is at the path of a directory. */
const tree = fc.dictionary(path, content, { minKeys: 2, maxKeys: 8, noNullPrototype: true }).filter((files) => {
	const paths = Object.keys(files);
	return !paths.some((file) => paths.some((other) => other.startsWith(`${file}/`)));
});

type Change = (root: string, files: Readonly<Record<string, string>>, pick: number) => void;
const CHANGES: Readonly<Record<string, Change>> = {
	changed(root, files, pick) {
		const file = pathAt(files, pick);
		writeFileSync(join(root, file), `${files[file]} and more`);
	},
	added(root, files, pick) {
		writeFileSync(join(root, dirname(pathAt(files, pick)), "zz-added.txt"), "");
	},
	"added in a new directory"(root) {
		mkdirSync(join(root, "zz-new/deep"), { recursive: true });
		writeFileSync(join(root, "zz-new/deep/file"), "x");
	},
	missing(root, files, pick) {
		rmSync(join(root, pathAt(files, pick)));
	},
	"renamed to another name"(root, files, pick) {
		renameSync(join(root, pathAt(files, pick)), join(root, "zz-renamed"));
	},
};

function pathAt(files: Readonly<Record<string, string>>, pick: number): string {
	const paths = Object.keys(files);
	return paths[pick % paths.length] ?? "";
}

describe("13 (must hold 3): every form of verify ends with 1 over a changed, added or missing file", () => {
	const home = mkdtempSync(join(tmpdir(), "sigtool-forms-"));
	const sigtool = runner(home);
	beforeAll(() => {
		mkdirSync(join(home, "elsewhere"));
	});
	afterAll(() => rmSync(home, { recursive: true, force: true }));

	/** Returns the exit status of each form. `turn` decides how each form gets -q. */
	function statuses(place: Place, turn: number): Record<string, number | null> {
		const results: Record<string, number | null> = {};
		for (const [index, form] of FORMS.entries()) {
			const args = form.args(place);
			const ways = [
				["verify", ...args],
				["verify", "-q", ...args],
				["verify", ...args, "--quiet"],
			];
			const chosen = ways[(index + turn) % ways.length] ?? [];
			results[`${form.name} (${chosen.join(" ")})`] = sigtool(chosen, { cwd: form.cwd(place) }).status;
		}
		return results;
	}

	const all = (results: Record<string, number | null>, status: number) =>
		Object.fromEntries(Object.keys(results).map((form) => [form, status]));

	/** Tries the directory under the name with which it was signed, and renamed. */
	it.each(["as signed", "renamed"] as const)("13 (must hold 3): %s", (how) => {
		fc.assert(
			fc.property(tree, fc.constantFrom(...Object.keys(CHANGES)), fc.nat({ max: 100 }), (files, change, pick) => {
				const place = mkdtempSync(join(home, "t"));
				const signed = makeTree(join(place, "d"), files);
				expect(sigtool(["sign", signed])).toMatchObject({ status: 0 });
				const root = how === "renamed" ? join(place, "e") : signed;
				if (root !== signed) renameSync(signed, root);
				const at = { home, root, catalog: join(root, "d.cat") };
				const intact = statuses(at, pick);
				expect(intact).toEqual(all(intact, 0));
				CHANGES[change]?.(root, files, pick);
				const differing = statuses(at, pick);
				expect([change, differing]).toEqual([change, all(differing, 1)]);
				rmSync(place, { recursive: true });
			}),
			{ numRuns: RUNS, endOnFailure: true },
		);
	});
});
