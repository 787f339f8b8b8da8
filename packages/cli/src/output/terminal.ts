/**
 * Finds terminals, and colours text for them. Without a terminal, does not load the streams of Node.js, because loading
 * them takes as long as a small command.
 */

import { fstatSync, statSync } from "node:fs";
import type { WriteStream } from "node:tty";

/** Returns standard output or standard error as a terminal. Returns undefined if it is a file, a pipe or /dev/null. */
export function terminal(descriptor: 1 | 2): WriteStream | undefined {
	if (!mayBeTerminal(descriptor)) return undefined;
	const stream = descriptor === 1 ? process.stdout : process.stderr;
	return stream.isTTY ? stream : undefined;
}

/**
 * Tells whether a descriptor is a character device other than /dev/null. Always true on Windows, where `stream.isTTY`
 * alone decides.
 */
function mayBeTerminal(descriptor: 1 | 2): boolean {
	if (process.platform === "win32") return true;
	const stats = fstatSync(descriptor);
	return stats.isCharacterDevice() && stats.rdev !== statSync("/dev/null", { throwIfNoEntry: false })?.rdev;
}

/** Puts ECMA-48 colour codes around a text. The printing functions remove the codes if the stream shows no colours. */
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

/** Sets the value of --color for this process. */
export function chooseColours(value: ColourChoice): void {
	choice = value;
	decided.clear();
}

/** Tells whether standard output or standard error shows colours. Decides for each stream separately, and only once. */
export function showsColours(descriptor: 1 | 2): boolean {
	const known = decided.get(descriptor);
	if (known !== undefined) return known;
	const shows = choice === "auto" ? wantsColours(descriptor) : choice === "always";
	decided.set(descriptor, shows);
	return shows;
}

/** Follows https://no-color.org and https://force-color.org, which ignore a variable with an empty value. */
function wantsColours(descriptor: 1 | 2): boolean {
	const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
	if (NO_COLOR) return false;
	if (FORCE_COLOR) return true;
	return TERM !== "dumb" && terminal(descriptor) !== undefined;
}
