/** Makes the generated part of docs/explanation/threat-model.md from the suite: the techniques tried, and those that stay open. */

import { MODES, type Mode } from "./modes.js";
import { OPEN, signsAttack } from "./open.js";
import { RELEASES, type Technique } from "./technique.js";
import { TECHNIQUES } from "./techniques/index.js";

const BEGIN = "<!-- Generated from test/attacks by `pnpm docs:attacks`. -->\n";
const END = "<!-- End of the generated part. -->";
const COLUMNS = MODES.filter((mode) => mode !== "unguarded");

/** Returns `document` with its generated part made anew from the suite. */
export function withTables(document: string): string {
	return replaceGenerated(document, BEGIN, `${classTable()}\n${openTable()}`);
}

/** Returns `document` with `content` between the line `start` and the next end of a generated part. */
export function replaceGenerated(document: string, start: string, content: string): string {
	const begin = document.indexOf(start);
	const end = document.indexOf(END, begin);
	if (begin === -1 || end === -1) throw new Error("Cannot find the generated part");
	return `${document.slice(0, begin)}${start}\n${content}\n${document.slice(end)}`;
}

function classTable(): string {
	const counts = Object.entries(TECHNIQUES).map(([name, techniques]) => {
		const open = COLUMNS.map((mode) => techniques.filter((technique) => isOpen(technique, mode)).length);
		return { name, numbers: [techniques.length, ...open] };
	});
	const all = counts[0]?.numbers.map((_, column) =>
		counts.reduce((sum, { numbers }) => sum + (numbers[column] ?? 0), 0),
	);
	const head = ["class", "techniques", "open: hook alone", "gate alone", "launcher, enforce", "launcher, strict"];
	return table(head, [...counts.map(({ name, numbers }) => [name, ...numbers]), ["all", ...(all ?? [])]]);
}

function openTable(): string {
	const rows = OPEN.map(({ reason, modes, releases = RELEASES, techniques }) => ({
		techniques,
		cells: [
			modes.map((mode) => (mode === "hook" ? "hook alone" : mode)).join(", "),
			releases.length === RELEASES.length ? "all" : releases.join(", "),
			reason,
		],
	}));
	const ofGate = Object.values(TECHNIQUES).flat().filter(signsAttack);
	const techniques = ofGate.map(({ name }) => name);
	const why = "The gate judges content, not paths. Only the hook judges which signed file runs.";
	return withNames(["open in", "Node.js", "why"], [...rows, { techniques, cells: ["gate alone", "all", why] }]);
}

function isOpen(technique: Technique, mode: Mode): boolean {
	const { name } = technique;
	if (mode === "gate") return signsAttack(technique);
	return OPEN.some(({ modes, techniques }) => modes.includes(mode) && techniques.includes(name));
}

/** Returns a table that counts the techniques of each row, and below it a list that names them. */
export function withNames(
	head: readonly string[],
	rows: readonly { readonly techniques: readonly string[]; readonly cells: readonly string[] }[],
): string {
	const numbered = rows.map(({ techniques, cells }, row) => [row + 1, techniques.length, ...cells]);
	const names = rows.map(({ techniques }, row) => `${row + 1}. ${techniques.join("; ")}\n`);
	return `${table(["row", "techniques", ...head], numbered)}\nThe techniques of each row:\n\n${names.join("")}`;
}

export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
	const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |\n`;
	return `${line(head)}${line(head.map(() => "---"))}${rows.map(line).join("")}`;
}
