import { type AttributeFormat, type StripResult, stripAttributes } from "@sigtool/core";
import { worstExitStatus } from "@sigtool/core/internal";
import { SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "../../options/usage.js";
import { findingLines } from "../../output/findings.js";
import {
	type ExitStatus,
	escaped,
	type OutputOptions,
	oneLine,
	type Report,
	rows,
	worse,
} from "../../output/output.js";
import { count } from "../../output/render.js";
import { colour } from "../../output/terminal.js";

export interface StripCommandOptions extends OutputOptions {
	readonly all?: boolean;
	readonly format?: readonly AttributeFormat[];
	readonly attribute?: string;
	readonly namespace?: "security" | "user";
}

/** Strips every path. An error about one path does not stop the work on the others. */
export async function strip(paths: readonly string[], options: StripCommandOptions): Promise<Report> {
	const { format: formats, attribute, namespace } = options;
	if (formats === undefined) throw usageError("Name with --format what to remove, e.g. --format spython");
	if (attribute !== undefined && !formats.includes("spython")) {
		throw usageError("Leave --attribute out: it is about --format spython");
	}
	const outcomes: Outcome[] = [];
	for (const path of paths) {
		outcomes.push(await orFailure(path, options, async () => stripAttributes(path, { formats, attribute, namespace })));
	}
	return {
		exit: outcomes.reduce<ExitStatus>((worst, { exit }) => worse(worst, exit), 0),
		fields: { results: outcomes.map(({ fields }) => fields) },
		lines: outcomes.flatMap(({ lines }) => lines),
		failures: outcomes.flatMap(({ exit, lines }) => (exit === 0 ? [] : lines)),
		problems: outcomes.flatMap(({ problems }) => problems),
	};
}

interface Outcome extends Pick<Report, "fields" | "lines"> {
	readonly exit: ExitStatus;
	readonly problems: readonly string[];
}

async function orFailure(
	path: string,
	options: StripCommandOptions,
	run: () => Promise<StripResult>,
): Promise<Outcome> {
	try {
		return outcomeOf(await run(), options);
	} catch (error) {
		const isAboutPath = error instanceof SigtoolError && error.path !== undefined;
		if (!isAboutPath) throw error;
		const { code, message, exitStatus } = error;
		const verdict = exitStatus === 3 ? "undecided" : "failed";
		return {
			exit: exitStatus,
			fields: { path, verdict, files: 0, removed: {}, findings: [], error: { code, message } },
			lines: [],
			problems: [`${colour.red("error")}: ${oneLine(message)} [${code}]`],
		};
	}
}

function outcomeOf(result: StripResult, options: StripCommandOptions): Outcome {
	const { path, verdict, fileCount, removed, findings } = result;
	const isStripped = verdict === "stripped";
	const isEmpty = [...removed.values()].every((number) => number === 0);
	const done = `${colour.green(isEmpty ? "nothing to strip in" : "stripped")} ${escaped(path)}`;
	const refused = `${colour.red(verdict)} ${escaped(path)}: ${count(findings.length, "problem")}`;
	const lines = [
		isStripped ? done : refused,
		...rows([
			["looked at", count(fileCount, "file")],
			...Array.from(removed, ([name, number]): [string, string] => [
				"removed",
				`${escaped(name)} of ${count(number, "file")}`,
			]),
		]),
		...findingLines(findings, options),
	];
	return {
		exit: isStripped ? 0 : worstExitStatus(findings),
		fields: { path, verdict, files: fileCount, removed: Object.fromEntries(removed), findings },
		lines,
		problems: [],
	};
}
