import { dirname, resolve } from "node:path";
import {
	type Diff,
	diffSigned,
	type EntryDifference,
	type FactDifference,
	worstExitStatus,
} from "@sigtool/core/internal";
import { type JudgementOptions, judgementOf } from "../../options/judgement.js";
import { usageError } from "../../options/usage.js";
import { DIFFERENCES, type DifferenceKind } from "../../output/differences.js";
import { untilInterrupted } from "../../output/interruption.js";
import type { StreamedList } from "../../output/json-pieces.js";
import { findingOf } from "../../output/outcome.js";
import { type ExitStatus, escaped, type OutputOptions, type Report, rows, worse } from "../../output/output.js";
import { startProgress } from "../../output/progress.js";
import { count, developmentNotes, thousands } from "../../output/render.js";
import type { ReportedFinding } from "../../output/reporter.js";
import { colour } from "../../output/terminal.js";
import { isVerified, sideFields, sideRows, unverifiedWarnings } from "./diff-sides.js";

export interface DiffCommandOptions extends JudgementOptions, OutputOptions {
	readonly profile: "default" | "windows-legacy";
	readonly all?: boolean;
}

export async function diff(before: string, after: string, options: DiffCommandOptions): Promise<Report> {
	if (before === "" || after === "") throw usageError("Name two catalogs or directories to compare");
	const judgement = await judgementOf(options);
	const progress = await startProgress("hashing", options);
	try {
		const compared = await untilInterrupted((signal) =>
			diffSigned(before, after, {
				...judgement,
				profile: options.profile,
				onProgress: (done) => progress.update(done),
				signal,
			}),
		);
		return reportOf(compared, options);
	} finally {
		progress.stop();
	}
}

function reportOf(compared: Diff, options: DiffCommandOptions): Report {
	const { a, b, match, facts, entries, problems } = compared;
	const summary = summaryOf(compared, options);
	const isEqual = summary.total === 0;
	const undecided: ExitStatus = problems.length === 0 ? 0 : worstExitStatus(problems.map(foundProblem));
	const verdict = isEqual ? (problems.length === 0 ? "equal" : "undecided") : "different";
	const fields = {
		a: sideFields(a),
		b: sideFields(b),
		verdict,
		match,
		counts: summary.counts,
	};
	return {
		exit: isEqual ? undecided : worse(1, undecided),
		fields: {
			...fields,
			differences: (() => differencesOf(facts, entries)) satisfies StreamedList,
			problems: problems.map(foundProblem),
		},
		lines: [
			headline(compared, verdict, summary),
			...rows([
				...sideRows("before", a),
				...sideRows("after", b),
				["compared", match === "digest" ? "by digest alone: a catalog has members without names" : undefined],
			]),
			...summary.lines,
			...problems.map(({ message, code }) => `  ${message} [${code}]`),
		],
		failures: isEqual && problems.length === 0 ? [] : [headline(compared, verdict, summary), ...summary.lines],
		warnings: [...unverifiedWarnings([a, b]), ...compared.warnings],
		notes: [a, b].flatMap((side) => (isVerified(side) ? developmentNotes(side.path, [side.signer]) : [])),
		subjects: [
			{
				path: b.path,
				verdict,
				root: [b, a].find((side) => side.kind === "tree")?.manifest.root ?? resolve(dirname(b.path)),
				findings: { [Symbol.iterator]: () => findingsOf(compared) },
				facts: fields,
			},
		],
	};
}

function foundProblem({ code, path = "", message }: Diff["problems"][number]) {
	return { code, path, message };
}

interface ShownDifference {
	readonly kind: DifferenceKind;
	readonly path: string | null;
	readonly message: string;
	readonly before: string | null;
	readonly after: string | null;
}

function* differencesOf(facts: Diff["facts"], entries: Diff["entries"]): Generator<ShownDifference> {
	for (const each of facts) yield shown(each, null);
	for (const each of entries) yield shown(each, each.path);
}

function shown(difference: FactDifference | EntryDifference, path: string | null): ShownDifference {
	const { kind, message, before = null, after = null } = difference;
	return { kind, path, message, before, after };
}

function* findingsOf({ facts, entries, problems }: Diff): Generator<ReportedFinding> {
	for (const { kind, path, message, before, after } of differencesOf(facts, entries)) {
		const values = { expected: before ?? undefined, actual: after ?? undefined };
		yield { code: kind, level: "failure", path: path ?? "", message, ...values };
	}
	for (const problem of problems) yield findingOf(problem);
}

interface Summary {
	readonly counts: Readonly<Record<DifferenceKind, number>>;
	readonly total: number;
	/** The lines about differences, by kind. Without --all a kind has at most MAX_LINES lines. */
	readonly lines: readonly string[];
}

const MAX_LINES = 20;

/** Counts the differences, and keeps only those that are printed. */
function summaryOf({ facts, entries }: Diff, { all, json, reporter }: DiffCommandOptions): Summary {
	const kinds = Object.keys(DIFFERENCES) as DifferenceKind[];
	const groups = new Map(kinds.map((kind) => [kind, { number: 0, lines: [] as string[] }]));
	const most = json === true || reporter === "sarif" || reporter === "junit" ? 0 : all === true ? Infinity : MAX_LINES;
	let total = 0;
	for (const { kind, message } of differencesOf(facts, entries)) {
		const group = groups.get(kind);
		total++;
		if (group !== undefined && ++group.number <= most) group.lines.push(`  ${message} [${kind}]`);
	}
	return {
		counts: Object.fromEntries(Array.from(groups, ([kind, { number }]) => [kind, number])) as Summary["counts"],
		total,
		lines: Array.from(groups).flatMap(([kind, { number, lines }]) => {
			const rest = number - lines.length;
			return rest === 0 || most === 0 ? lines : [...lines, `  and ${thousands(rest)} more [${kind}]; --all lists them`];
		}),
	};
}

function headline({ a, b }: Diff, verdict: string, { counts, total }: Summary): string {
	const names = `${escaped(a.path)} ${escaped(b.path)}`;
	if (verdict === "equal") return `${colour.green(verdict)} ${names}`;
	const kinds = Object.entries(counts).filter(([, number]) => number > 0);
	const list = kinds.map(([kind, number]) => `${thousands(number)} ${kind}`).join(", ");
	const what = total === 0 ? "not everything could be read" : `${count(total, "difference")}: ${list}`;
	return `${colour.red(verdict)} ${names}: ${what}`;
}
