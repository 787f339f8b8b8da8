/** Formats the help so that it fits into the width of the terminal, even of a narrow one. */

import type { Command, HelpConfiguration } from "commander";
import { terminal } from "./terminal.js";

/**
 * The least width of a description in columns. If there is less room beside the option, the description is printed
 * below the option.
 */
const MIN_COLUMN = 28;
const INDENT = "      ";

/** The settings by which commander formats the help. All commands inherit them from the program. */
export const HELP: HelpConfiguration = {
	minWidthToWrap: 12,
	formatItem(term, termWidth, description, helper) {
		const width = helper.helpWidth ?? HELP_WIDTH;
		if (description === "") return `  ${term}`;
		if (width - termWidth - 4 >= MIN_COLUMN) {
			const [first, ...rest] = helper.boxWrap(description, width - termWidth - 4).split("\n");
			return [`  ${term.padEnd(termWidth)}  ${first}`, ...rest.map((line) => " ".repeat(termWidth + 4) + line)].join(
				"\n",
			);
		}
		const lines = helper.boxWrap(description, width - INDENT.length).split("\n");
		return [`  ${term}`, ...lines.map((line) => INDENT + line)].join("\n");
	},
};

/** The width of the help in columns if there is no terminal and COLUMNS is not set. */
const HELP_WIDTH = 80;
/** The least width in columns that COLUMNS can set. With less, no word would fit beside the indent. */
const LEAST_WIDTH = 20;

/**
 * Returns the width of the help in columns: the width of the terminal, or else COLUMNS (POSIX, XBD 8.3), or else 80.
 */
export function helpWidth(descriptor: 1 | 2): number {
	const { COLUMNS = "" } = process.env;
	const given = /^\d{1,4}$/.test(COLUMNS) ? Number(COLUMNS) : HELP_WIDTH;
	return terminal(descriptor)?.columns ?? Math.max(given, LEAST_WIDTH);
}

/** Wraps a text to the width of the help. Blank lines in the text separate paragraphs. */
export function filled(text: string, command: Command): string {
	const helper = command.createHelp();
	const width = command.configureOutput().getOutHelpWidth?.() ?? HELP_WIDTH;
	return text
		.split("\n\n")
		.map((paragraph) => {
			const [, before, line, after] = /^(\n*)(.*?)(\n*)$/s.exec(paragraph) ?? [];
			return `${before}${helper.boxWrap((line ?? "").replaceAll("\n", " "), width)}${after}`;
		})
		.join("\n\n");
}
