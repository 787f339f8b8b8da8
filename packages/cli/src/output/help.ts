/** Formats help so that it fits the terminal, even a narrow one. */

import type { Command, HelpConfiguration } from "commander";
import { terminal } from "./terminal.js";

/** The least width of descriptions in columns. If there is less room, a description stands below its option. */
const MIN_COLUMN = 28;
const INDENT = "      ";

/** The settings for commander. Commands inherit them from the program. */
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

/** The width of help in columns if neither a terminal nor COLUMNS gives one. */
const HELP_WIDTH = 80;
/** A smaller width than this leaves no room for a word beside the indent. */
const LEAST_WIDTH = 20;

/** Returns the width of help: that of the terminal, else COLUMNS (POSIX, XBD 8.3), else 80 columns. */
export function helpWidth(descriptor: 1 | 2): number {
	const { COLUMNS = "" } = process.env;
	const given = /^\d{1,4}$/.test(COLUMNS) ? Number(COLUMNS) : HELP_WIDTH;
	return terminal(descriptor)?.columns ?? Math.max(given, LEAST_WIDTH);
}

/** Wraps a text to the width of a command's help. Blank lines in the text separate paragraphs. */
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
