/**
 * Finds out whether standard output and standard error are terminals, and colours text. The streams of Node.js are
 * loaded only for a terminal, because loading them takes as long as a small command.
 */

import { fstatSync, statSync } from "node:fs";
import type { WriteStream } from "node:tty";

/**
 * Returns the stream of standard output (1) or standard error (2) if it is a terminal. Returns undefined for anything
 * else, such as a file, a pipe or /dev/null.
 */
export function terminal(descriptor: 1 | 2): WriteStream | undefined {
	if (!mayBeTerminal(descriptor)) return undefined;
	const stream = descriptor === 1 ? process.stdout : process.stderr;
	return stream.isTTY ? stream : undefined;
}

/**
 * Returns true if the descriptor is a character device other than /dev/null. On Windows always returns true, so that
 * `stream.isTTY` alone decides.
 */
function mayBeTerminal(descriptor: 1 | 2): boolean {
	if (process.platform === "win32") return true;
	const stats = fstatSync(descriptor);
	return stats.isCharacterDevice() && stats.rdev !== statSync("/dev/null", { throwIfNoEntry: false })?.rdev;
}

/**
 * Puts colour codes (ECMA-48) around a text. If a stream shows no colours, the printing functions of output.ts remove
 * these codes.
 */
export const colour = {
	red: (text: string) => coloured(31, text, 39),
	green: (text: string) => coloured(32, text, 39),
	yellow: (text: string) => coloured(33, text, 39),
	dim: (text: string) => coloured(2, text, 22),
} as const;

function coloured(start: number, text: string, end: number): string {
	return `\u001b[${start}m${text}\u001b[${end}m`;
}

export const COLOUR_CHOICES = ["auto", "always", "never"] as const;
export type ColourChoice = (typeof COLOUR_CHOICES)[number];

let choice: ColourChoice = "auto";
const decided = new Map<1 | 2, boolean>();

/** Sets the value of --color for this process. Streams for which colours were already decided are decided again. */
export function chooseColours(value: ColourChoice): void {
	choice = value;
	decided.clear();
}

/**
 * Returns true if the stream shows colours. This is decided once for each stream, and kept until `chooseColours` is
 * called.
 */
export function showsColours(descriptor: 1 | 2): boolean {
	const known = decided.get(descriptor);
	if (known !== undefined) return known;
	const shows = choice === "auto" ? wantsColours(descriptor) : choice === "always";
	decided.set(descriptor, shows);
	return shows;
}

/**
 * Decides by the environment, as https://no-color.org and https://force-color.org say, and by the terminal. An
 * environment variable with an empty value counts as unset.
 */
function wantsColours(descriptor: 1 | 2): boolean {
	const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
	if (NO_COLOR) return false;
	if (FORCE_COLOR) return true;
	return TERM !== "dumb" && terminal(descriptor) !== undefined;
}
