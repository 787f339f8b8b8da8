/**
 * Defines the seam between commands and reporters. A command gives an outcome, and a reporter writes it to standard
 * output in the format of another program. A reporter leaves nothing out, and does not change the exit status.
 */

import type { SigtoolError } from "@sigtool/core/internal/errors";

export const REPORTERS = ["text", "json", "junit", "sarif", "github"] as const;
export type ReporterName = (typeof REPORTERS)[number];

/**
 * The exit status of sigtool: 0 if trusted or done, 1 if verification failed or the files cannot be signed, 2 for a
 * mistake in usage or configuration, 3 if sigtool could not decide, 126 if `run` refused to run a program, 75 if `run`
 * could not judge a program because of a fault that may pass, and 130 if the user interrupted sigtool.
 */
export type ExitStatus = 0 | 1 | 2 | 3 | 75 | 126 | 130;

/** Returns the options about the form of the output in arguments that nobody has parsed. */
export function outputOptionsIn(argv: readonly string[]): { readonly json: boolean; readonly reporter?: ReporterName } {
	const given = argv.flatMap((argument, index) => {
		if (argument === "--reporter") return argv.slice(index + 1, index + 2);
		return argument.startsWith("--reporter=") ? argument.slice("--reporter=".length) : [];
	});
	const reporter = REPORTERS.find((name) => name === given.at(-1));
	return { json: argv.includes("--json") || reporter === "json", ...(reporter && { reporter }) };
}

/** A path that a command judged or wrote. */
export interface Subject {
	/** The path as the user gave it. */
	readonly path: string;
	/** The outcome in one word, such as `trusted`, `failed` or `done`. */
	readonly verdict: string;
	/**
	 * The absolute path of the directory to which the paths of the findings are relative. If it is undefined, they are
	 * relative to the working directory.
	 */
	readonly root?: string | undefined;
	readonly findings: Iterable<ReportedFinding>;
	/** The facts about the subject, as in the JSON document but without the findings. */
	readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * The weight of a finding. `failure` decides for exit status 1. `error` means that something could not be judged, and
 * `warning` that the finding decides nothing.
 */
export type Level = "failure" | "error" | "warning";

export interface ReportedFinding {
	/** The code of an error, or the kind of a difference between two catalogs. */
	readonly code: string;
	readonly level: Level;
	readonly path: string;
	/** One line that names the entry and tells what is wrong. */
	readonly message: string;
	/** The signed or recorded value, such as a digest, a link's target or a mode. */
	readonly expected?: string | undefined;
	/** The value that was found, in the same form. */
	readonly actual?: string | undefined;
}

/** Everything that a reporter is given. */
export interface Outcome {
	/** The name of the command, such as `verify`. It is empty if the arguments name none. */
	readonly command: string;
	readonly exit: ExitStatus;
	readonly subjects: readonly Subject[];
	/** The lines of the report for a person. They may hold colour codes. */
	readonly lines: readonly string[];
	readonly notes: readonly string[];
	readonly warnings: readonly string[];
	/** The error that ended the command before there was a verdict. Its code has exit status 2 or 3. */
	readonly failure?: SigtoolError | undefined;
}

/** Yields the pieces of the document for standard output. */
export type Reporter = (outcome: Outcome) => Iterable<string>;
