import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { list, NETWORK, PROTECTIONS } from "./protections.js";

const DOCUMENT = fileURLToPath(new URL("../../../../../docs/reference/launcher.md", import.meta.url));
const PROBES = fileURLToPath(new URL("./probes/", import.meta.url));
const BEGIN = "by `pnpm docs:protections`. -->\n";
const END = "<!-- end of generated: protections -->";

// `pnpm docs:protections` runs this test with -u. Vitest then writes the table into docs/reference/launcher.md instead of
// comparing it.
test("docs/reference/launcher.md has the table of protections with their probes", async () => {
	const page = readFileSync(DOCUMENT, "utf8");
	const [before = "", rest = ""] = page.split(BEGIN);
	expect(rest).toContain(END);
	const after = rest.slice(rest.indexOf(END));
	await expect(`${before}${BEGIN}\n${protectionsTable()}\n${after}`).toMatchFileSnapshot(DOCUMENT);
});

/** The table does not list these probes, because separate tests use them. */
const ELSEWHERE = ["replay", "terminal-settings"];

test("every probe in C belongs to a protection", () => {
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

function protectionsTable(): string {
	const rows = [...PROTECTIONS, NETWORK].map(({ name, stops, linux, probes, also = [], short }) => {
		const isRefused = probes.filter(({ refused }) => refused !== undefined).map((probe) => probe.name);
		const others = probes.filter(({ refused }) => refused === undefined).map((probe) => probe.name);
		const [tried, left] = short ?? [list([...isRefused, ...also]), list(others)];
		return `| ${name} | ${stops} | ${linux} | ${tried} | ${left} |\n`;
	});
	const head =
		"| protection | stops | Linux since | probes that it refuses | probes that must succeed |\n| --- | --- | --- | --- | --- |\n";
	return head + rows.join("");
}
