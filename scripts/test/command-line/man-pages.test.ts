import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { hasProgram, spawnSync } from "../../../test/outside.js";

const folder = fileURLToPath(new URL("../../../packages/cli/dist/man", import.meta.url));
const pages = readdirSync(folder);

const hasGroff = hasProgram("groff");
it.skipIf(!hasGroff)("groff formats each manual page without a warning (needs groff)", () => {
	const args = [
		"-man",
		"-Tutf8",
		"-ww",
		"-z",
		...pages.filter((page) => page !== "sigtool.1").map((page) => join(folder, page)),
	];
	const { status, stderr } = spawnSync("groff", args, { encoding: "utf8" });
	expect([status, stderr]).toEqual([0, ""]);
});

it("there is a page for each command that the help lists, and the command line's own names all of them", () => {
	const main = fileURLToPath(new URL("../../../packages/cli/dist/main.cjs", import.meta.url));
	const help = spawnSync(process.execPath, [main, "--help"], { encoding: "utf8" }).stdout;
	const [, list = ""] = /\nCommands:\n([\s\S]*?)\n\n/.exec(help) ?? [];
	const names = [...list.matchAll(/^ {2}(\w+(?:\|\w+)?)/gm)]
		.flatMap(([, terms = ""]) => terms.split("|"))
		.filter((name) => name !== "help");
	expect(names.length).toBeGreaterThan(15);
	expect(pages.sort()).toEqual(["sigtool.1", "sigtree.1", ...names.map((name) => `sigtool-${name}.1`)].sort());
	const overview = readFileSync(join(folder, "sigtree.1"), "utf8");
	for (const name of names) expect(overview).toContain(`sigtool\\-${name}`);
});
