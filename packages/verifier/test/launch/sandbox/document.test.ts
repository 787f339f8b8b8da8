import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { NETWORK, PROTECTIONS, protectionsTable } from "./protections.js";

const DOCUMENT = fileURLToPath(new URL("../../../../../docs/launcher.md", import.meta.url));
const PROBES = fileURLToPath(new URL("./probes/", import.meta.url));
const BEGIN = "by `pnpm docs:protections`. -->\n";
const END = "<!-- end of generated: protections -->";

// `pnpm docs:protections` writes this file.
test("15: docs/launcher.md has the table of protections with their probes", async () => {
	const page = readFileSync(DOCUMENT, "utf8");
	const [before = "", rest = ""] = page.split(BEGIN);
	const after = rest.slice(rest.indexOf(END));
	expect(after).not.toBe("");
	await expect(`${before}${BEGIN}\n${protectionsTable()}\n${after}`).toMatchFileSnapshot(DOCUMENT);
});

/** Probes that show that an attack works, or that something goes on, in tests of their own. */
const ELSEWHERE = ["replay", "terminal-settings"];

test("15: every probe in C belongs to a protection", () => {
	const sources = readdirSync(PROBES).filter((name) => name.endsWith(".c"));
	const text = sources.map((name) => readFileSync(PROBES + name, "utf8")).join("");
	const single = [...text.matchAll(/^\t\{"([\w-]+)"/gm)].map(([, name]) => name);
	const families = [...text.matchAll(/WITH_EACH_BIT\("(\w+)"/g)].flatMap(([, call]) =>
		["setuid", "setgid", "ordinary"].map((suffix) => `${call}-${suffix}`),
	);
	const listed = [...PROTECTIONS, NETWORK].flatMap(({ probes, also = [] }) => [
		...probes.map(({ name }) => name),
		...also,
	]);
	expect(new Set(listed).size).toBeGreaterThan(100);
	expect([...new Set([...listed, ...ELSEWHERE])].sort()).toEqual([...single, ...families].sort());
});
