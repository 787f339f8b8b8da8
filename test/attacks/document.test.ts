import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as ofPython from "../python/document.js";
import { OPEN as OPEN_IN_PYTHON } from "../python/open.js";
import { TECHNIQUES as TECHNIQUES_OF_PYTHON } from "../python/techniques/index.js";
import { withTables } from "./document.js";
import { OPEN } from "./open.js";
import { TECHNIQUES } from "./techniques/index.js";

const DOCUMENT = fileURLToPath(new URL("../../docs/explanation/threat-model.md", import.meta.url));

// `pnpm docs:attacks` writes this file.
test("docs/explanation/threat-model.md says what the suites try and what stays open", async () => {
	await expect(ofPython.withTables(withTables(readFileSync(DOCUMENT, "utf8")))).toMatchFileSnapshot(DOCUMENT);
});

test.each([
	["Node.js", OPEN, TECHNIQUES],
	["CPython", OPEN_IN_PYTHON, TECHNIQUES_OF_PYTHON],
])("what stays open on %s is named as the suite names it", (_, openings, classes) => {
	const names = Object.values<readonly { readonly name: string }[]>(classes).flatMap((each) =>
		each.map(({ name }) => name),
	);
	expect(openings.flatMap(({ techniques }) => techniques).filter((name) => !names.includes(name))).toEqual([]);
});

test("strict leaves nothing open", () => {
	expect(OPEN.filter(({ modes }) => modes.includes("strict"))).toEqual([]);
});
