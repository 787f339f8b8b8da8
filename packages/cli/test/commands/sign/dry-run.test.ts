import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

const NOTE = "note: nothing was signed or written, because of --dry-run\n";

function tree(entries: Parameters<typeof makeTree>[1]) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "d"), entries);
	const run = runner(home, { identity: "none" });
	return { home, root, sigtool: (...args: string[]) => run(args, { cwd: home }) };
}

describe("sign --dry-run", () => {
	it("says what would be signed, needs no key and writes nothing", () => {
		const { home, root, sigtool } = tree({
			a: "12",
			"b/c": "3",
			link: { link: "a" },
			x: "",
			".git/y": "",
			".sigtoolignore": "x\n",
		});
		const { status, stdout, stderr } = sigtool("sign", "d", "-n", "--no-development");
		expect([status, stderr]).toEqual([0, NOTE]);
		expect(stdout.replace(/sequence \d+/, "sequence N")).toBe(
			`would sign d/d.cat
  content   3 files, 1 link, 5 B
  product   d, sequence N
  ignored   2 entries by 2 rules
  file      .sigtoolignore
  file      a
  file      b/c
  link      link -> a
  left out  .git/
  left out  x
`,
		);
		const { files, links, ignored, rules, catalog, problems } = sigtool("sign", "d", "-n", "--json").json();
		expect({ files, links, ignored, rules, catalog, problems }).toEqual({
			files: [
				{ path: ".sigtoolignore", bytes: 2 },
				{ path: "a", bytes: 2 },
				{ path: "b/c", bytes: 1 },
			],
			links: [{ path: "link", target: "a" }],
			ignored: [".git/", "x"],
			rules: [".git", "x"],
			catalog: "d/d.cat",
			problems: [],
		});
		expect(existsSync(join(root, "d.cat"))).toBe(false);
		expect(readdirSync(home)).toEqual(["d"]);
	});

	it("finds the files that sign then signs, and no others", () => {
		const { sigtool } = tree({ "a.js": "1", "b.map": "2", "node_modules/x/y": "3", l: { link: "a.js" } });
		for (const options of [[], ["--exclude", "*.map"], ["--include", "*.js"], ["--links", "follow"], ["-o", "o.cat"]]) {
			const dry = sigtool("sign", "d", ...options, "--dry-run", "--json").json();
			const real = sigtool("sign", "d", ...options, "--json").json();
			expect([dry.files.length, dry.links.length, dry.bytes], options.join(" ")).toEqual([
				real.files,
				real.links,
				real.bytes,
			]);
			expect([dry.catalog, dry.product, dry.ignored.length, dry.rules]).toEqual([
				...[real.catalog, real.product, real.ignored.entries, real.ignored.rules],
			]);
		}
	});

	it.skipIf(process.platform === "win32")(
		"names every problem with which sign would end, and ends with its status",
		() => {
			const { root, sigtool } = tree({ a: "1", "b.": "", link: { link: "../../x" } });
			spawnSync("mkfifo", [join(root, "pipe")]);
			makeTree(root, { "d.cat": "of another program" });
			const dry = sigtool("sign", "d", "-n", "--json").json();
			expect(dry.problems.map(({ code }: { code: string }) => code).sort()).toEqual([
				...["ERR_CATALOG_EXISTS", "ERR_FILE_TYPE", "ERR_LINK_OUTSIDE", "ERR_PATH_TRAILING_DOT"],
			]);
			expect(dry.exit).toBe(1);
			const { status, stdout, stderr } = sigtool("sign", "d", "-n");
			expect([status, stdout]).toEqual([1, expect.stringMatching(/^would not sign d\/d\.cat: 4 problems\n/)]);
			expect(stderr).toMatch(/^error: Cannot hash "pipe": it is a FIFO; --exclude leaves it out \[ERR_FILE_TYPE\]$/m);
			const real = sigtool("sign", "d", "--json", "--force").json();
			expect(real).toMatchObject({ exit: 1 });
			expect(sigtool("sign", "d", "-n", "-q").stdout).toBe("would not sign d/d.cat: 4 problems\n");
		},
	);

	it("lists 20 entries of a kind, and all with --verbose", () => {
		const { sigtool } = tree(Object.fromEntries(Array.from({ length: 23 }, (_, index) => [`f${index}`, ""])));
		expect(sigtool("sign", "d", "-n").stdout).toContain("and 3 more; --verbose lists them");
		expect(sigtool("sign", "d", "-n", "-v").stdout.match(/^ +file /gm)).toHaveLength(23);
	});

	it("writes no attributes either, and refuses what it cannot foresee", () => {
		const { sigtool } = tree({ a: "1" });
		expect(sigtool("sign", "d", "-n", "--format", "ima-hash", "--json").json()).toMatchObject({
			catalog: null,
			formats: ["ima-hash"],
		});
		expect(sigtool("sign", "d", "-n", "--compile-python")).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("[ERR_USAGE]"),
		});
		expect(sigtool("sign", "none", "-n")).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("[ERR_ROOT_MISSING]"),
		});
	});
});
