/** Terminals and their colours, told without Node.js' streams where there are none: loading those takes as long as a small command. */

import { fstatSync, statSync } from "node:fs";
import type { WriteStream } from "node:tty";

/** Standard output or error as a terminal; undefined when it is a file, a pipe or /dev/null. */
export function terminal(descriptor: 1 | 2): WriteStream | undefined {
	if (!mayBeTerminal(descriptor)) return undefined;
	const stream = descriptor === 1 ? process.stdout : process.stderr;
	return stream.isTTY ? stream : undefined;
}

/** A character device but not /dev/null. Windows does not say. */
function mayBeTerminal(descriptor: 1 | 2): boolean {
	if (process.platform === "win32") return true;
	const stats = fstatSync(descriptor);
	return stats.isCharacterDevice() && stats.rdev !== statSync("/dev/null", { throwIfNoEntry: false })?.rdev;
}

/** ECMA-48 colours, where they are wanted. */
export const colour = {
	red: (text: string) => coloured(31, text, 39),
	green: (text: string) => coloured(32, text, 39),
	yellow: (text: string) => coloured(33, text, 39),
	dim: (text: string) => coloured(2, text, 22),
} as const;

function coloured(start: number, text: string, end: number): string {
	isColourful ??= wantsColours();
	return isColourful ? `\u001b[${start}m${text}\u001b[${end}m` : text;
}

let isColourful: boolean | undefined;

/** What is set and not empty counts. https://no-color.org, https://force-color.org; logs of CI systems show colours. */
function wantsColours(): boolean {
	const { NO_COLOR, FORCE_COLOR, CI, TERM } = process.env;
	if (NO_COLOR) return false;
	if (FORCE_COLOR || CI || process.platform === "win32") return true;
	return terminal(1) !== undefined && TERM !== "dumb";
}
