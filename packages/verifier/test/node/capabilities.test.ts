import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { legacyLoading } from "../../dist/node/legacy/loading.js";
import { syncLoading } from "../../dist/node/load/loading.js";
import { capabilitiesOf, type Runtime } from "../../dist/node/start/capabilities.js";

const HOOK: Runtime = { loading: syncLoading, launched: false, refusesStrings: false, nativeGate: undefined };
const LAUNCHED: Runtime = { loading: syncLoading, launched: true, refusesStrings: true, nativeGate: "" };
const COLUMNS: readonly (readonly [name: string, runtime: Runtime])[] = [
	["20, hook", { ...HOOK, loading: legacyLoading }],
	["20, launcher", { ...LAUNCHED, loading: legacyLoading }],
	["≥ 22.15, hook", HOOK],
	["≥ 22.15, launcher", LAUNCHED],
];

describe("capabilitiesOf()", () => {
	it("is the table in docs/reference/node.md", () => {
		const file = fileURLToPath(new URL("../../../../docs/reference/node.md", import.meta.url));
		const text = readFileSync(file, "utf8");
		const expected = text.replace(/(?<=<!-- capabilities -->\n)[\s\S]*(?=<!-- \/capabilities -->)/, table());
		if (process.env.UPDATE_DOCS) writeFileSync(file, expected);
		expect(text).toBe(expected);
	});

	it("has the same names for every runtime", () => {
		const names = COLUMNS.map(([, runtime]) => capabilitiesOf(runtime).map(({ name }) => name));
		for (const each of names) expect(each).toEqual(names[0]);
		expect(new Set(names[0]).size).toBe(names[0]?.length);
	});

	it("leaves less open under the launcher than without it", () => {
		const open = (runtime: Runtime) => capabilitiesOf(runtime).filter(({ enforced }) => !enforced).length;
		expect(open(LAUNCHED)).toBeLessThan(open(HOOK));
	});

	it("calls releases without synchronous hooks limited", () => {
		expect(COLUMNS.map(([, runtime]) => runtime.loading.tier)).toEqual([
			"enforce-limited",
			"enforce-limited",
			"enforce",
			"enforce",
		]);
	});
});

function table(): string {
	const lists = COLUMNS.map(([, runtime]) => capabilitiesOf(runtime));
	const rows = (lists[0] ?? []).map(({ name }, row) => {
		const each = lists.map((list) => list[row]);
		const details = [...new Set(each.map((capability) => capability?.detail))];
		return `| ${name} | ${each.map((capability) => (capability?.enforced ? "✓" : "–")).join(" | ")} | ${details.join("; ")} |`;
	});
	const head = `| | ${COLUMNS.map(([name]) => name).join(" | ")} | |`;
	return `${[head, `|${" --- |".repeat(COLUMNS.length + 2)}`, ...rows].join("\n")}\n`;
}
