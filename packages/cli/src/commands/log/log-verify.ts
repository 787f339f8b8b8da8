import { type ChainFindings, type ChainGap, createChainChecker, type LogLine } from "@sigtool/core/internal";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import { eachLine } from "../../events/log-lines.js";
import { installedLog } from "../../launcher/installed-log.js";
import { type ExitStatus, escaped, type OutputOptions, type Report, rows, worse } from "../../output/output.js";
import {
	count,
	developmentNotes,
	judgedFields,
	judgedRow,
	thousands,
	trustedSignerFields,
	trustedSignerRows,
} from "../../output/render.js";
import { changeText, gapText, placeFields } from "./change-text.js";
import {
	type CheckpointMisfit,
	type CheckpointOptions,
	compareCheckpoints,
	type GivenCheckpoint,
	readCheckpoints,
} from "./checkpoints.js";
import { requireLog } from "./require-log.js";

export interface LogVerifyOptions extends CheckpointOptions, OutputOptions {
	readonly prefix: string;
}

/**
 * Checks the chain of a log, and its checkpoints. Bounded memory.
 * @throws the errors of `readCheckpoints`, `installedLog` and `requireLog`
 */
export async function logVerify(named: readonly string[], options: LogVerifyOptions): Promise<Report> {
	const files = named.length === 0 ? [installedLog(options.prefix)] : named;
	for (const file of files) requireLog(file, "read");
	const checkpoints = await readCheckpoints(options);
	const chain = createChainChecker();
	const comparison = compareCheckpoints(checkpoints);
	let unread: SigtoolError | undefined;
	try {
		const take = (line: LogLine, file: string) => {
			chain.add(line, file);
			comparison.add(line);
		};
		await eachLine(files, take, chain.addPart);
	} catch (error) {
		// The part that was read may show a change, which counts more than the rest that is not known.
		if (!(error instanceof SigtoolError) || error.exitStatus === 2) throw error;
		unread = error;
	}
	const findings = chain.findings();
	const { covered, misfit } = comparison.result();
	const problem = problemOf(findings, covered, misfit, unread);
	const exit: ExitStatus = problem === undefined ? 0 : problem.exitStatus;
	const uncovered = Math.max(0, Math.min(findings.uncovered, findings.lines - covered));
	const verdict = exit === 0 ? "intact" : exit === 1 ? "changed" : "undecided";
	const { lines, chained, change, misfits, gaps, gapCount, continues, end } = findings;
	const doubts = gaps.filter((gap) => isDoubt(gap, covered));
	return {
		exit: worse(exit, unread === undefined ? 0 : 3),
		fields: {
			files,
			verdict,
			...(problem && { problem: { code: problem.code, message: problem.message } }),
			...{ lines, chained, uncovered, covered, misfits, gapCount },
			change: change && { ...change, first: placeFields(change.first), last: placeFields(change.last) },
			gaps: gaps.map(({ kind, place, linesBefore }) => ({ kind, linesBefore, ...placeFields(place) })),
			continues: continues ?? null,
			end: end ?? null,
			checkpoints: checkpoints.map((given) => checkpointFields(given, given.checkpoint.size <= covered)),
		},
		lines: [
			`${verdict} ${files.map(escaped).join(" ")}: ${problem === undefined ? count(lines, "line") : escaped(problem.message)}`,
			...rows([
				["lines", `${thousands(lines)}, ${thousands(chained)} of them name the lines before`],
				["misfits", misfits > 1 ? `${thousands(misfits)} lines do not fit to the lines before` : undefined],
				["not covered", uncovered === 0 ? undefined : uncoveredText(uncovered, checkpoints)],
				["goes on from", continues && `a file whose last lines have the SHA-256 ${continues}`],
				["ends with", end],
				...checkpoints.flatMap(checkpointRows),
			]),
		],
		failures: problem === undefined ? [] : [`${verdict} ${escaped(problem.message)} [${problem.code}]`],
		warnings: [
			...doubts.slice(0, SHOWN_GAPS).map(gapText),
			...(doubts.length > SHOWN_GAPS ? [`and ${gapCount - SHOWN_GAPS} more such places; --json lists them`] : []),
			...checkpoints.flatMap(({ warnings }) => warnings),
		],
		notes: checkpoints.flatMap(({ file, by }) => (by.type === "cms" ? developmentNotes(file, [by.signer]) : [])),
		...(unread === undefined || unread === problem ? {} : { problems: [`error: ${unread.message} [${unread.code}]`] }),
	};
}

const SHOWN_GAPS = 5;

/** A checkpoint says which lines were there when it was made, also at a log whose beginning is missing. */
function isDoubt({ linesBefore }: ChainGap, covered: number): boolean {
	return Math.max(linesBefore, 1) > covered;
}

/** Returns the reason why the log is not known to be intact. */
function problemOf(
	{ change, lines, chained, lastGap }: ChainFindings,
	covered: number,
	misfit: CheckpointMisfit | undefined,
	unread: SigtoolError | undefined,
): SigtoolError | undefined {
	if (change !== undefined) return new SigtoolError("ERR_LOG_CHANGED", changeText(change));
	// If the log was not read to its end, lines that seem to be missing there may just be unread.
	if (misfit !== undefined && (misfit.how === "other" || unread === undefined))
		return new SigtoolError("ERR_LOG_CHANGED", misfitText(misfit, lines));
	if (unread !== undefined) return unread;
	if (lastGap !== undefined && isDoubt(lastGap, covered))
		return new SigtoolError(
			"ERR_LOG_UNCOVERED",
			`${gapText(lastGap)}; only a checkpoint tells whether lines before it were changed`,
		);
	if (chained > 0 || (covered > 0 && covered === lines)) return undefined;
	const reason = lines === 0 ? "the log is empty" : "no line names those before it, as the collector's lines do";
	return new SigtoolError("ERR_LOG_UNCOVERED", `${reason}; only a checkpoint would show a change`);
}

function misfitText({ given: { file, checkpoint }, how, intact }: CheckpointMisfit, lines: number): string {
	if (how === "short")
		return `lines are missing at the end: the log has ${thousands(lines)}, and the checkpoint ${quote(file)} covers ${thousands(checkpoint.size)}`;
	const range = `${thousands(intact + 1)} to ${thousands(checkpoint.size)}`;
	return `one of the lines ${range} of the log is not as in the checkpoint ${quote(file)}, and the chain was made anew behind it`;
}

function uncoveredText(uncovered: number, checkpoints: readonly GivenCheckpoint[]): string {
	const lines = uncovered === 1 ? "the last line" : `the last ${thousands(uncovered)} lines`;
	const newer = checkpoints.length === 0 ? "a checkpoint" : "a newer checkpoint";
	return `${lines}; only ${newer} shows what was changed there, or removed behind`;
}

function checkpointFields({ file, checkpoint, by, ignored }: GivenCheckpoint, fits: boolean): Record<string, unknown> {
	const { origin, size, root } = checkpoint;
	const signer =
		by.type === "cms"
			? { signer: trustedSignerFields(by.signer), judgedAt: judgedFields(by.judgedAt) }
			: { key: { name: by.name, keyId: by.keyId } };
	return { file, origin, size, root: root.toString("base64"), fits, ...signer, ignoredSignatures: ignored };
}

function checkpointRows({ file, checkpoint, by, ignored }: GivenCheckpoint): (readonly [string, string | undefined])[] {
	const { origin, size } = checkpoint;
	const others = count(ignored, "signature that was", "signatures that were");
	return [
		["checkpoint", `${escaped(file)}: ${count(size, "line")} of ${escaped(origin)}`],
		...(by.type === "cms"
			? [...trustedSignerRows(by.signer), judgedRow(by.judgedAt)]
			: [["signer", `key ${by.keyId} (Ed25519)`] as const]),
		["others", ignored === 0 ? undefined : `${others} not looked at`],
	];
}
