import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { entriesOnWayTo, isBelow, leadsThrough } from "../../dist/configuration/places.js";
import { temporaryDirectory } from "../support.js";

function workspace() {
	const home = realpathSync(temporaryDirectory());
	const at = (path: string) => join(home, path);
	mkdirSync(at("tree/d"), { recursive: true });
	mkdirSync(at("own"));
	for (const file of ["tree/f", "own/f"]) writeFileSync(at(file), "");
	return { home, at };
}

describe.skipIf(process.platform === "win32")("leadsThrough()", () => {
	it.each([
		["a file in the tree", "tree/f", true],
		["a file beside it", "own/f", false],
		["the tree itself, which is not in itself", "tree", false],
		["a file that does not exist", "tree/new", true],
		["a link outside to a file in the tree", "own/in", true],
		["a link in the tree to a file outside", "tree/out", true],
		["a link outside to a link in the tree to a file outside", "own/round", true],
		["a directory of the tree that leads outside", "tree/d/away/f", true],
		["a path that enters the tree and leaves it by `..`, which the tree does not decide", "own/back", false],
		["a link to itself", "own/self", false],
	])("is right about %s", (_, file, expected) => {
		const { at } = workspace();
		symlinkSync(at("tree/f"), at("own/in"));
		symlinkSync("../own/f", at("tree/out"));
		symlinkSync(at("tree/out"), at("own/round"));
		symlinkSync(at("own"), at("tree/d/away"));
		symlinkSync("../tree/../own/f", at("own/back"));
		symlinkSync("self", at("own/self"));
		expect(leadsThrough(at("tree"), at(file))).toBe(expected);
	});

	it("ends at what cannot be looked up", () => {
		const { at } = workspace();
		expect(entriesOnWayTo(at("tree/f/x/y")).at(-1)).toBe(at("tree/f/x"));
		expect(entriesOnWayTo(at("none/x")).at(-1)).toBe(at("none"));
	});

	it("knows where a link to `..` ends", () => {
		const { home, at } = workspace();
		symlinkSync("..", at("own/up"));
		expect(entriesOnWayTo(at("own/up")).at(-1)).toBe(home);
		expect(isBelow(at("own"), home)).toBe(false);
	});
});
