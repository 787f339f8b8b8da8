/** The collector, which the launcher starts beside the process, and which alone can write to the file of events. */

import { getSystemErrorName } from "node:util";
import { defineProperty } from "../safe/captured.js";
import { encodeUtf8, indexOf } from "../safe/primordials.js";
import type { AuditSink } from "./audit.js";

/** The part of the native addon that sends lines. `waits` means until they are in the file. */
export type SendEvents = (lines: Uint8Array, waits: boolean) => number;

/**
 * Makes the sink. It waits until the collector has written a line in three cases: the line tells of a refusal, it is the
 * first line, which tests the file, or the process ends. If the process is the first of a container, the collector ends
 * together with it.
 */
export function collectorSink(file: string, send: SendEvents): AuditSink {
	let isTested = false;

	function sendOrThrow(lines: string, waits: boolean): void {
		const error = send(encodeUtf8(lines), waits);
		if (error !== 0) throw systemError(error);
		if (waits) isTested = true;
	}

	return {
		name: file,
		wants: "all",
		write(lines) {
			sendOrThrow(lines, !isTested || isAwaited(lines));
		},
		finish() {
			sendOrThrow("", true);
		},
	};
}

/**
 * Tells whether the lines have an event of another verdict than `allow`, or a report of lost events. If they were lost,
 * nobody would report that.
 */
function isAwaited(lines: string): boolean {
	// A field cannot contain these texts, because JSON escapes its quotes.
	return (
		indexOf(lines, '"verdict":"refuse"') !== -1 ||
		indexOf(lines, '"verdict":"audit"') !== -1 ||
		indexOf(lines, '"verdict":"record"') !== -1 ||
		indexOf(lines, '"event":"verifier.dropped"') !== -1
	);
}

const nameOf = getSystemErrorName;
/** The members are defined on the error itself, so that no setter of a prototype gets them. */
function systemError(error: number): Error {
	const code = nameOf(-error);
	const cause = new ErrorObject(`the collector did not write them: ${code}`);
	defineProperty(cause, "code", { __proto__: null, value: code } as PropertyDescriptor);
	defineProperty(cause, "isCollectorGone", { __proto__: null, value: code !== "ENOSPC" } as PropertyDescriptor);
	return cause;
}
const ErrorObject = Error;

/** Tells whether a sink failed because no collector answers any more. Then no later refusal would be recorded either. */
export function isCollectorGone(failure: unknown): boolean {
	const { cause } = failure as { readonly cause?: { readonly isCollectorGone?: boolean } };
	return cause?.isCollectorGone === true;
}
