/** Shows the differences that `verify` found, the worst first. */

import type { Finding } from "@sigtool/core";
import { quote } from "@sigtool/core/internal/errors";
import { escaped } from "../../output/output.js";
import { RANKS } from "../../page/data.js";
import { count } from "../../page/text.js";
import { worstState } from "./collect-catalog.js";
import { badge } from "./files-parts.js";
import { type Html, html } from "./html.js";
import { code, table } from "./parts.js";

/** The number of rows. The list of files has the other findings. */
const SHOWN = 25;

export function findingsTable(findings: readonly Finding[]): Html | undefined {
	if (findings.length === 0) return undefined;
	const rows = folded(findings)
		.map((together) => rowOf(together))
		.sort((a, b) => a.rank - b.rank);
	const shown = rows.slice(0, SHOWN).map(({ rank, path, message, code: error }) => {
		return [badge(rank), html`<bdi>${path}</bdi>`, message, code(error)];
	});
	return html`<h3>Needs attention</h3>${table({
		caption: `${count(findings.length, "finding")}, the worst first`,
		columns: [["State"], ["File", "name"], ["Finding", "name"], ["Code"]],
		rows: shown,
		more: rows.length - shown.length,
		where: "the list of files below has them",
	})}`;
}

/** Puts together what was added or is missing as a whole directory. */
function folded(findings: readonly Finding[]): Finding[][] {
	const groups = new Map<string, Finding[]>();
	for (const finding of findings) {
		const { code, path, directory } = finding;
		const key = directory === undefined ? `${code} ${path}` : `${code} ${directory}/`;
		const group = groups.get(key);
		if (group === undefined) groups.set(key, [finding]);
		else group.push(finding);
	}
	return [...groups.values()];
}

function rowOf(together: readonly Finding[]): { rank: number; path: string; message: string; code: string } {
	const [{ code, path, message, directory }] = together;
	const rank = RANKS.get(worstState([code])) ?? 0;
	if (directory === undefined || together.length === 1) {
		return { rank, path: path === "" ? "(the tree)" : escaped(path), message: escaped(message), code };
	}
	const files = count(together.length, "file");
	const happened =
		code === "ERR_FILE_MISSING" ? `is missing, with ${files}` : `was added, with ${files} that nobody signed`;
	return { rank, path: `${escaped(directory)}/`, message: `${quote(`${directory}/`)} ${happened}`, code };
}
