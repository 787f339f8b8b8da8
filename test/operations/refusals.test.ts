/** Compares the table of refusals in docs/reference/launcher.md with the sources. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NATIVE = join(ROOT, "packages/verifier/native");
const SECTION =
	readFileSync(join(ROOT, "docs/reference/launcher.md"), "utf8")
		.split("## Refusals and their exit statuses\n")[1]
		?.split("\n## ")[0] ?? "";
const ROWS = SECTION.split("\n")
	.filter((line) => line.startsWith("| "))
	.map((line) => line.split(" | "));

/** The statuses that a row names for each way of choosing a status in C. */
const STATUSES: Readonly<Record<string, RegExp>> = {
	USAGE: /^2/,
	UNDECIDED: /^75/,
	REFUSED: /126/,
	"status_of(errno)": /by the reason of the system/,
	"status_of_argument(errno)": /^2; 75/,
};

/** Yields the status and the format of each call of fail() in a directory. */
function* refusalsIn(directory: string): Generator<[file: string, status: string, code: string, format: string]> {
	for (const name of readdirSync(join(NATIVE, directory)).filter((each) => each.endsWith(".c"))) {
		const text = readFileSync(join(NATIVE, directory, name), "utf8");
		const calls =
			/\b(?:fail\(\s*([\w()]+),\s*(?:("\w+"|NULL|code),\s*)?|distrust\(\s*(?=("\w+")))((?:"(?:[^"\\]|\\.)*"\s*(?:[A-Z_]+\s*)?)*)/g;
		for (const [, status = "REFUSED", code = "", own = "", strings = ""] of text.matchAll(calls)) {
			const format = [...strings.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, part]) => part).join("");
			yield [`${directory}/${name}`, status, code || own, format.replaceAll('\\"', '"')];
		}
	}
}

describe("the table of refusals in docs/reference/launcher.md", () => {
	it("has every message of the launcher, with its status", () => {
		const found = [...refusalsIn("launch")].filter(([, status, , format]) => status in STATUSES && format !== "%s");
		expect(found.length).toBeGreaterThan(50);
		const missing = found.filter(([, status, , format]) => {
			const words = format.split(/"?%/)[0]?.trim() ?? "";
			return !ROWS.some(([message = "", shown = ""]) => {
				return STATUSES[status]?.test(shown) && isIn(message, words, format);
			});
		});
		expect(missing).toEqual([]);
	});

	/** Tells whether a row's messages have one that is the beginning of the format, or the format without its values. */
	function isIn(row: string, words: string, format: string): boolean {
		const shown = [...row.matchAll(/`([^`]+)`/g)].map(([, text]) => text ?? "");
		const plain = format.replace(/"?%[a-z.*]+"?/g, "…");
		return shown.some((text) => {
			const parts = text
				.split("…")
				.map((part) => part.replace(/^[" ]+|[" ]+$/g, "").replace(/^"|"$/g, ""))
				.filter((part) => part !== "");
			return (
				parts.length > 0 &&
				(words.startsWith(parts[0] ?? "") || plain.includes(parts[0] ?? "")) &&
				parts.every((part) => plain.includes(part) || !/^\w+ \w+/.test(part))
			);
		});
	}

	it("has every code of a spython", () => {
		const codes = new Set(
			[...refusalsIn("spython"), ...refusalsIn("trust")]
				.map(([, , code]) => code.replaceAll('"', ""))
				.filter((code) => code.startsWith("ERR_")),
		);
		expect(codes.size).toBeGreaterThan(15);
		const families = ["ERR_CERTIFICATE_", "ERR_WEAK_"].filter((family) => SECTION.includes(`${family}…`));
		expect(
			[...codes].filter(
				(code) => !SECTION.includes(`\`${code}\``) && !families.some((family) => code.startsWith(family)),
			),
		).toEqual([]);
	});

	it("lists the errnos that status_of() and isPassing() know", () => {
		const listed = (text: string) =>
			[...new Set(text.match(/\bE[A-Z]{2,}\b/g))].filter((name) => !name.startsWith("ERR")).sort();
		const inC = listed(readFileSync(join(NATIVE, "shared/process/exit-status.c"), "utf8").split("switch")[1] ?? "");
		const core = readFileSync(join(ROOT, "packages/core/src/errors.ts"), "utf8");
		expect(listed(core.split("PASSING_ERRNOS: ReadonlySet<string> = new Set([")[1]?.split("]);")[0] ?? "")).toEqual(
			inC,
		);
		const [paragraph = ""] = /\*\*By the reason of the system\*\*[\s\S]*?126 for/.exec(SECTION) ?? [];
		expect(listed(paragraph)).toEqual(inC);
	});
});
