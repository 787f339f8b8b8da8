/** The part of docs/threat-model.md that says what was tried with CPython and what stays open, made from the suite itself. */

import { replaceGenerated, table } from "../attacks/document.js";
import { MODES } from "./modes.js";
import { OPEN } from "./open.js";
import { TECHNIQUES } from "./techniques/index.js";

const BEGIN = "<!-- Generated from test/python by `pnpm docs:attacks`. -->\n";

/** `document` with its generated part as the suite has it now. */
export function withTables(document: string): string {
	return replaceGenerated(document, BEGIN, `${classTable()}\n${openTable()}`);
}

/** A technique counts where it runs in any mode or version. */
function classTable(): string {
	const openings = (name: string) => OPEN.filter(({ techniques }) => techniques.includes(name));
	const rows = Object.entries(TECHNIQUES).map(([name, techniques]) => {
		const found = techniques.map((technique) => openings(technique.name));
		const logged = found.filter((each) => each.length > 0 && each.every(({ event }) => event !== undefined)).length;
		const open = found.filter((each) => each.some(({ event }) => event === undefined)).length;
		return [name, techniques.length, techniques.length - logged - open, logged, open] as const;
	});
	const sum = (column: 1 | 2 | 3 | 4) => rows.reduce((total, row) => total + row[column], 0);
	return table(["class", "techniques", "closed", "logged", "open"], [...rows, ["all", sum(1), sum(2), sum(3), sum(4)]]);
}

function openTable(): string {
	const rows = OPEN.map(({ reason, modes = MODES, versions, event, techniques }) => [
		techniques.join("; "),
		modes.length === MODES.length ? "all" : modes.join(", "),
		versions?.join(", ") ?? "all",
		event === undefined ? "nothing" : `\`${event}\``,
		reason,
	]);
	return table(["runs", "in", "CPython", "told by", "why"], rows);
}
