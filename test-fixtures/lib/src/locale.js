import { readFileSync } from "node:fs";

/** The replacements of a locale, longest first. */
export function localeTable(name) {
	const file = new URL(`./locales/${name}.json`, import.meta.url);
	return Object.entries(JSON.parse(readFileSync(file, "utf8"))).sort(([a], [b]) => b.length - a.length);
}
