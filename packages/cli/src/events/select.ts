/** Selects events by time, name and verdict. */

import { quote } from "@sigtool/core/internal/errors";
import { parseTime } from "../options/judgement.js";
import { usageError } from "../options/usage.js";
import { isFinding, type Told } from "./event.js";

export interface SelectionOptions {
	readonly since?: string;
	readonly until?: string;
	readonly event?: readonly string[];
	readonly refused?: boolean;
}

/** Returns true for an event that is asked for. */
export type Selection = (event: Told) => boolean;

/** @throws ERR_USAGE */
export function selectionOf({ since, until, event = [], refused }: SelectionOptions): Selection {
	const now = Date.now();
	const from = since === undefined ? undefined : timeOrAge(since, "--since", now);
	const to = until === undefined ? undefined : timeOrAge(until, "--until", now);
	if (from !== undefined && to !== undefined && from > to) throw usageError("Give --since a time before --until");
	const isNamed = namesIn(event);
	return (told) => {
		if (refused === true && !isFinding(told)) return false;
		if (!isNamed(told.event)) return false;
		if (from === undefined && to === undefined) return true;
		const at = typeof told.time === "string" ? Date.parse(told.time) : Number.NaN;
		// An event without a time is at no time, so a limit leaves it out.
		return !Number.isNaN(at) && (from === undefined || at >= from) && (to === undefined || at <= to);
	};
}

/** Accepts exact names, and those that end in `*`. */
function namesIn(names: readonly string[]): (name: unknown) => boolean {
	if (names.length === 0) return () => true;
	const wrong = names.find((name) => !/^[\w.<>-]*\*?$/.test(name) || name === "");
	if (wrong !== undefined)
		throw usageError(`Give --event a name such as module.open_code, or python.*, not ${quote(wrong)}`);
	const exact = new Set(names.filter((name) => !name.endsWith("*")));
	const beginnings = names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1));
	return (name) => {
		return typeof name === "string" && (exact.has(name) || beginnings.some((beginning) => name.startsWith(beginning)));
	};
}

function timeOrAge(text: string, option: string, now: number): number {
	const [, number, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
	if (unit !== undefined) return now - Number(number) * (UNIT_MS[unit] ?? 0);
	return parseTime(text, option, ", a date, or an age such as 12h");
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
