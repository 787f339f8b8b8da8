/** Prints the outcome of a command by the reporter that the user chose. */

import { ERROR_CODES, type ErrorCode, type SigtoolError } from "@sigtool/core/internal/errors";
import {
	asSigtoolError,
	type ExitStatus,
	type OutputOptions,
	printErrors,
	printFailure,
	printMessages,
	printPieces,
	printReport,
	type Report,
} from "./output.js";
import type { Level, Outcome, ReportedFinding, Reporter, Subject } from "./reporter.js";

/** Prints a report, and returns its exit status. @throws OutputError if standard output cannot be written */
export async function printOutcome(command: string, report: Report, options: OutputOptions): Promise<ExitStatus> {
	const reporter = await loadReporter(options);
	if (reporter === undefined) return printReport(command, report, options);
	if (options.reporter !== "github") printMessages(report, options);
	const { exit, notes = [], warnings = [] } = report;
	const lines = options.quiet === true ? (report.failures ?? []) : report.lines;
	printPieces(reporter({ command, exit, lines, notes, warnings, subjects: report.subjects ?? [] }));
	return exit;
}

/**
 * Prints an error as `printFailure` does, or by the reporter that the user chose. Does not reject. Returns the exit
 * status of the error's code.
 */
export async function printFailureBy(command: string, error: unknown, options: OutputOptions): Promise<ExitStatus> {
	const failure = asSigtoolError(error);
	try {
		const reporter = await loadReporter(options);
		// A document that was cut off cannot be mended by another one behind it.
		if (reporter === undefined || isOutputError(failure)) return printFailure(command, failure, options);
		if (options.reporter !== "github") printErrors(failure, options);
		printPieces(reporter(outcomeOf(command, failure)));
		return failure.exitStatus;
	} catch (outputError) {
		return printFailure(command, outputError, { ...options, json: false }, failure.exitStatus);
	}
}

function isOutputError({ code, message }: SigtoolError): boolean {
	return code === "ERR_IO" && message.startsWith("Cannot write to standard output: ");
}

/** Returns true for a reporter that is loaded on demand. Text and JSON are printed by output.ts. */
export function needsLoading({ reporter = "text" }: OutputOptions): boolean {
	return reporter !== "text" && reporter !== "json";
}

/** Loads the reporter on demand. Returns undefined for text and JSON. */
async function loadReporter({ reporter }: OutputOptions): Promise<Reporter | undefined> {
	switch (reporter) {
		case "junit":
			return (await import("./junit.js")).junit;
		case "sarif":
			return (await import("./sarif.js")).sarif;
		case "github":
			return (await import("./github.js")).github;
		default:
			return undefined;
	}
}

/**
 * Makes the outcome of a failed command. An error with exit status 1 is a verdict about a file, so it becomes a
 * finding. The problems and differences that an error lists become findings too.
 */
function outcomeOf(command: string, failure: SigtoolError): Outcome {
	const { exitStatus, root, problems, findings, path } = failure;
	const listed = [...problems, ...findings].map(findingOf);
	const found = listed.length > 0 ? listed : exitStatus === 1 ? [findingOf(failure)] : [];
	const subject: Subject = {
		path: root ?? path ?? "",
		verdict: exitStatus === 1 ? "failed" : "undecided",
		root,
		findings: found,
		facts: listed.length > 0 ? { error: failure.message } : {},
	};
	return {
		command,
		exit: exitStatus,
		subjects: found.length === 0 ? [] : [subject],
		lines: [],
		notes: [],
		warnings: [],
		failure: exitStatus === 1 ? undefined : failure,
	};
}

/** A finding as core returns it, or an error. */
export interface Found {
	readonly code: ErrorCode;
	readonly path?: string | undefined;
	readonly message: string;
	readonly expected?: string | undefined;
	readonly actual?: string | undefined;
}

export function findingOf({ code, path = "", message, expected, actual }: Found): ReportedFinding {
	return { code, level: levelOf(code), path, message, expected, actual };
}

function levelOf(code: ErrorCode): Level {
	return ERROR_CODES[code][0] === 1 ? "failure" : "error";
}
