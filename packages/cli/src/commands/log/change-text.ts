/** Says in words what happened to a log. */

import type { ChainGap, LinePlace, LogChange } from "@sigtool/core/internal";
import { quote } from "@sigtool/core/internal/errors";

export function changeText({ kind, first, last, detail }: LogChange): string {
	const isOne = first.file === last.file && first.line === last.line;
	const [from, to] = [placeText(first), placeText(last)];
	const behind = detail === undefined ? "" : `: ${detail}`;
	switch (kind) {
		case "edited":
			return isOne ? `${from} was edited` : `${from} was edited, or a line without a number was removed after it`;
		case "removed":
			return isOne ? `lines are missing before ${to}${behind}` : `lines are missing between ${from} and ${to}${behind}`;
		case "edited-or-removed":
			return `${from} was edited, or lines between it and ${to} were removed`;
		case "inserted":
			return isOne ? `${from} was inserted${behind}` : `the lines from ${from} to ${to} were inserted${behind}`;
		case "moved":
			return `${from} is not in its order${behind}`;
		case "changed":
			return isOne
				? `${from} was edited or inserted${behind}`
				: `one of the lines from ${from} on was edited, removed, inserted or moved before ${to}${behind}`;
	}
}

export function gapText({ kind, place, linesBefore }: ChainGap): string {
	const at = placeText(place);
	if (linesBefore === 0) return `${at} says that there were lines before it (${kind}), and they are not given`;
	switch (kind) {
		case "unreadable":
			return `the collector could not read the lines before ${at}, so nothing covers them`;
		case "uncovered":
			return `the collector found too many lines of others before ${at}, so nothing covers them`;
		case "rotated":
		case "cut":
			return `the lines before ${at} are covered only together with the file that was written before`;
		case "new":
			return `at ${at} a chain of its own begins, as after a rotation while no collector ran: nothing says that the file before belongs to the same log, and is whole`;
	}
}

function placeText({ file, line, offsetBytes }: LinePlace): string {
	return `line ${line} of ${quote(file)} (byte ${offsetBytes})`;
}

export function placeFields({ file, line, offsetBytes }: LinePlace): Record<string, unknown> {
	return { file, line, offsetBytes };
}
