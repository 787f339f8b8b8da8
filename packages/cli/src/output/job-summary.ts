/** Appends the outcome to the summary of a job of GitHub Actions, as Markdown. */

import { appendFileSync, statSync } from "node:fs";
import { errnoReason, escapeText, quote } from "@sigtool/core/internal/errors";
import { escaped } from "./output.js";
import type { Outcome, ReportedFinding, Subject } from "./reporter.js";

/** GitHub refuses the summary of a step that is larger. All commands of a step write to the same file. */
const MAX_SUMMARY_BYTES = 2 ** 20;
/** One command takes no more, so that there is room for others and a browser can show the page. */
const MAX_OWN_BYTES = 2 ** 18;
const MAX_CELL_UNITS = 500;

/**
 * Writes to the file that $GITHUB_STEP_SUMMARY names, if there is one. Returns a text about what could not be written,
 * or undefined.
 */
export function appendJobSummary(outcome: Outcome, title: string): string | undefined {
	const file = process.env.GITHUB_STEP_SUMMARY;
	if (!file) return undefined;
	try {
		const used = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
		const room = Math.min(MAX_OWN_BYTES, MAX_SUMMARY_BYTES - used);
		const text = summaryOf(outcome, title, room);
		if (text === undefined) return `the job summary ${quote(file)} has no room left`;
		appendFileSync(file, text);
		return undefined;
	} catch (error) {
		return `cannot write the job summary ${quote(file)}: ${errnoReason(error)}`;
	}
}

/** Returns a text of at most `room` bytes, or undefined if not even the heading fits. */
function summaryOf(outcome: Outcome, title: string, room: number): string | undefined {
	const { subjects, failure, notes, warnings } = outcome;
	const messages = [
		...(failure === undefined ? [] : [`${failure.message} [${failure.code}]`]),
		...warnings.map((text) => `warning: ${text}`),
		...notes.map((text) => `note: ${text}`),
	];
	const failed = failure?.exitStatus === 3 ? "could not decide" : "failed";
	const verdict = failure === undefined ? subjects.map((each) => each.verdict).join(", ") : failed;
	const pieces = [
		[`### ${literal(title)}: ${literal(verdict || "done")}\n`],
		subjects.map((subject) => `\n- ${code(subject.path)}: ${literal(subject.verdict)}${factsOf(subject)}`),
		messages.map((text) => `\n- ${literal(text)}`),
		tableOf(subjects),
	];
	let text = "";
	let size = 0;
	let leftOut = 0;
	for (const piece of pieces.flatMap((each) => [...each])) {
		const bytes = Buffer.byteLength(piece);
		if (leftOut > 0 || size + bytes > room - MAX_REST_BYTES) leftOut++;
		else {
			text += piece;
			size += bytes;
		}
	}
	if (text === "") return undefined;
	return leftOut === 0 ? `${text}\n\n` : `${text}\n\n${leftOut} more lines are in the log of the step.\n\n`;
}

/** The room that is kept for the line about the lines that are left out. */
const MAX_REST_BYTES = 80;

/** Returns the texts about the number of entries and about the signers. */
function factsOf({ facts }: Subject): string {
	const { checked, product, sequence } = facts;
	const texts = [
		...(typeof checked === "number" ? [`${checked} compared`] : []),
		...(typeof product === "string" ? [`product ${product}`] : []),
		...(typeof sequence === "number" ? [`sequence ${sequence}`] : []),
	];
	return texts.length === 0 ? "" : `, ${literal(texts.join(", "))}`;
}

function* tableOf(subjects: readonly Subject[]): Generator<string> {
	let head = "\n\n| Code | Path | Finding |\n| --- | --- | --- |";
	for (const { findings } of subjects) {
		for (const finding of findings) {
			yield head + rowOf(finding);
			head = "";
		}
	}
}

function rowOf({ code: kind, path, message }: ReportedFinding): string {
	return `\n| ${code(kind)} | ${code(path)} | ${literal(message)} |`;
}

function code(name: string): string {
	return `<code>${withoutMarks(escapeText(cut(name)).replaceAll('\\"', '"'))}</code>`;
}

/** Returns a text for Markdown. Control characters become JSON escapes; those of names in a message are so already. */
function literal(text: string): string {
	return withoutMarks(escaped(cut(text)));
}

function cut(text: string): string {
	return text.length > MAX_CELL_UNITS ? `${text.slice(0, MAX_CELL_UNITS)}…` : text;
}

/**
 * Replaces every punctuation mark by a character reference, so that Markdown and HTML take a name neither for a link, nor
 * for a tag, nor for the end of a cell.
 */
function withoutMarks(text: string): string {
	return text.replace(/[!-/:-@[-`{-~]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
