import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { withTables } from "./document.js";
import { OPEN } from "./open.js";
import { TECHNIQUES } from "./techniques/index.js";

const DOCUMENT = fileURLToPath(new URL("../../docs/explanation/threat-model.md", import.meta.url));

// `pnpm docs:attacks` writes this file.
test("docs/explanation/threat-model.md says what the suite tries with CPython and what stays open", async () => {
	await expect(withTables(readFileSync(DOCUMENT, "utf8"))).toMatchFileSnapshot(DOCUMENT);
});

test("what stays open is named as the suite names it", () => {
	const names = Object.values(TECHNIQUES)
		.flat()
		.map(({ name }) => name);
	expect(OPEN.flatMap(({ techniques }) => techniques).filter((name) => !names.includes(name))).toEqual([]);
});
