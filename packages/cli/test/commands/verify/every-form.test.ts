/**
 * Tests every way in which people call `verify`, including the habits of `sha256sum -c`, on random trees with random
 * changes. In every form, an intact tree ends with 0, and a tree with a changed, added or missing file ends with 1.
 */

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { atEndOfFile, makeTree, runner, temporaryDirectory } from "../../support.js";

/** Most of the time is spent on starting Node.js, twice for each form in each run. */
const RUNS = process.env.SIGTOOL_FULL === undefined ? 4 : 60;
const ODD_RUNS = process.env.SIGTOOL_FULL === undefined ? 2 : 30;

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

interface Odd {
	readonly name: string;
	/** Signs the tree `d`, which is in the directory `place`. `run` runs the command line in that directory. */
	readonly make: (run: (...args: string[]) => void, place: string) => void;
	/** The operands, relative to `place`, with the exit statuses for an intact and for a differing tree. */
	readonly forms: readonly { readonly args: readonly string[]; readonly intact: number; readonly differing: number }[];
}

const verifies = (...args: string[]) => ({ args, intact: 0, differing: 1 });
const asksForMore = (...args: string[]) => ({ args, intact: 2, differing: 2 });
const fails = (...args: string[]) => ({ args, intact: 1, differing: 1 });

const ODD: readonly Odd[] = [
	{
		name: "a directory that was renamed and signed again",
		make(run, place) {
			run("sign", "d");
			renameSync(join(place, "d"), join(place, "e"));
			run("sign", "e");
		},
		forms: [verifies("e"), verifies("e/e.cat"), asksForMore("e/d.cat"), fails("e/d.cat", "--root", "e")],
	},
	{
		name: "a catalog named .CAT",
		make: (run) => run("sign", "d", "-o", "d/DRV.CAT"),
		forms: [verifies("d"), verifies("d/DRV.CAT"), verifies("d/DRV.CAT", "--root", "d"), asksForMore("d/DRV.CAT/")],
	},
	{
		name: "a catalog without the ending .cat",
		make: (run) => run("sign", "d", "-o", "lone.sig"),
		forms: [asksForMore("lone.sig"), verifies("lone.sig", "--root", "d"), verifies("d", "--catalog", "lone.sig")],
	},
	{
		name: "a catalog in a directory of a signed tree",
		make(run, place) {
			makeTree(join(place, "d/zz-inner"), { file: "1" });
			run("sign", "d/zz-inner", "-o", "d/zz-inner/other.cat");
			run("sign", "d");
		},
		forms: [verifies("d"), verifies("d/d.cat"), asksForMore("d/zz-inner/other.cat")],
	},
	{
		name: "links that lead out of the tree",
		make(run, place) {
			makeTree(join(place, "d/zz-links"), { file: { link: "../../out/o" }, dir: { link: "../../out" } });
			run("sign", "d", "--links-outside", "record");
		},
		forms: [
			verifies("d"),
			...[fails("d/zz-links/file"), fails("d/zz-links/dir"), fails("d/zz-links/dir/o"), fails("d/zz-links/dir/none")],
			fails("d", "d/zz-links/file"),
		],
	},
	{
		name: "a link to a catalog",
		make(run, place) {
			run("sign", "d");
			symlinkSync("d/d.cat", join(place, "link.cat"));
			symlinkSync("d/d.cat", join(place, "link"));
		},
		forms: [verifies("link.cat"), verifies("link.cat", "--root", "d"), verifies("link"), verifies("d", "link")],
	},
	{
		name: "a trust index",
		make(run) {
			run("sign", "d");
			run("compile", "d", "-o", "d.sigx", "--allow-development");
		},
		forms: [asksForMore("d.sigx"), verifies("d", "d/d.cat")],
	},
];

const name = fc.stringMatching(/^[a-z][a-z0-9_ -]{0,6}[a-z0-9]$/);
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((steps) => steps.join("/"));
const content = fc.string({ maxLength: 40 });

/** Generates trees in which no file is at the path of a directory. */
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
	const home = temporaryDirectory(atEndOfFile);
	const sigtool = runner(home);
	beforeAll(() => {
		mkdirSync(join(home, "elsewhere"));
	});

	/**
	 * Returns the exit status of each form. `turn` decides where each form has -q: nowhere, before or after the
	 * operands.
	 */
	function statuses(place: Place, turn: number, forms = FORMS): Record<string, number | null> {
		const results: Record<string, number | null> = {};
		for (const [index, form] of forms.entries()) {
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

	/** Tries the directory under its signed name, and then renamed. */
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

	/** Tries operands that a person can take for a catalog of the tree, and files that the tree does not contain. */
	it.each(ODD)("$name", ({ make, forms }) => {
		fc.assert(
			fc.property(tree, fc.constantFrom(...Object.keys(CHANGES)), fc.nat({ max: 100 }), (files, change, pick) => {
				const place = mkdtempSync(join(home, "o"));
				const run = (...args: string[]) => expect(sigtool(args, { cwd: place })).toMatchObject({ status: 0 });
				makeTree(join(place, "d"), files);
				makeTree(join(place, "out"), { o: "1" });
				make(run, place);
				const at = { home, root: place, catalog: "" };
				const rows = forms.map(({ args, ...statuses }) => ({ form: form(args), ...statuses }));
				const tried = rows.map(({ form }) => form);
				const expected = (which: "intact" | "differing") => rows.map((row) => row[which]);
				expect(Object.values(statuses(at, pick, tried))).toEqual(expected("intact"));
				CHANGES[change]?.(existsSync(join(place, "d")) ? join(place, "d") : join(place, "e"), files, pick);
				writeFileSync(join(place, "out/o"), "changed");
				const differing = statuses(at, pick, tried);
				expect([change, differing]).toEqual([
					change,
					Object.fromEntries(zip(Object.keys(differing), expected("differing"))),
				]);
				expect(Object.values(differing)).not.toContain(0);
				rmSync(place, { recursive: true });
			}),
			{ numRuns: ODD_RUNS, endOnFailure: true },
		);
	});
});

function form(args: readonly string[]): Form {
	return { name: `verify ${args.join(" ")}`, args: () => args, cwd: inside };
}

function zip(names: readonly string[], statuses: readonly number[]): [string, number | undefined][] {
	return names.map((each, index) => [each, statuses[index]]);
}
