/** Makes the generated part of docs/explanation/threat-model.md about CPython: the techniques tried, and those that stay open. */

import { replaceGenerated, table, withNames } from "../attacks/document.js";
import { MODES, type Mode } from "./modes.js";
import { OPEN, type Opening } from "./open.js";
import { TECHNIQUES } from "./techniques/index.js";

const BEGIN = "<!-- Generated from test/python by `pnpm docs:attacks`. -->\n";
const LABELS: Readonly<Record<Mode, string>> = { enforce: "enforce", strict: "strict", launcher: "launcher, strict" };

/** Returns `document` with its generated part made anew from the suite. */
export function withTables(document: string): string {
	return replaceGenerated(document, BEGIN, `${classTable()}\n${openTable()}`);
}

/** Counts the techniques of each class. A technique counts if it runs in any version. */
function classTable(): string {
	const rows = Object.entries(TECHNIQUES).map(([name, techniques]) => {
		const counts = MODES.flatMap((mode) => {
			const openings = techniques.flatMap((technique) => OPEN.find((each) => isOf(each, technique.name, mode)) ?? []);
			const open = openings.filter(({ event }) => event === undefined).length;
			return [openings.length - open, open];
		});
		return [name, techniques.length, ...counts];
	});
	const sums = rows[0]?.slice(1).map((_, column) => rows.reduce((sum, row) => sum + Number(row[column + 1]), 0));
	const head = MODES.flatMap((mode) => [`${LABELS[mode]}: logged`, "open"]);
	return table(["class", "techniques", ...head], [...rows, ["all", ...(sums ?? [])]]);
}

function isOf({ modes = MODES, techniques }: Opening, name: string, mode: Mode): boolean {
	return techniques.includes(name) && modes.includes(mode);
}

function openTable(): string {
	const rows = OPEN.map(({ reason, modes = MODES, versions, event, techniques }) => ({
		techniques,
		cells: [
			modes.length === MODES.length ? "all" : modes.map((mode) => LABELS[mode]).join("; "),
			versions?.join(", ") ?? "all",
			event === undefined ? "nothing" : `\`${event}\``,
			reason,
		],
	}));
	return withNames(["run in", "CPython", "event", "why"], rows);
}
