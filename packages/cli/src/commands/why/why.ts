import { resolve } from "node:path";
import { COMMAND, ERROR_CODES, type ErrorCode, isErrorCode, quote } from "@sigtool/core/internal/errors";
import type { Told } from "../../events/event.js";
import { ANY_MEND, explain } from "../../events/explain.js";
import { unknownName } from "../../events/known-names.js";
import { mendOf } from "../../events/mends.js";
import { grantedWriting } from "../../launcher/granted-writing.js";
import { installedConf, installedVerdict } from "../../launcher/installed-verdict.js";
import { isThere } from "../../launcher/launcher-place.js";
import { readInputFile } from "../../options/input-file.js";
import { usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { isMessage, lastAbout, lastRefusalIn, MAX_INPUT_BYTES, realPathOf } from "./refusals.js";

export interface WhyOptions extends OutputOptions {
	readonly log?: readonly string[];
	readonly prefix: string;
}

/** Explains a refusal: what happened, which rule decided, and what to do about it. @throws ERR_USAGE, ERR_IO */
export async function why(subject: string, options: WhyOptions): Promise<Report> {
	if (subject === "-") return explanationOf(lastRefusalIn(readInputFile("-", MAX_INPUT_BYTES).toString(), "the input"));
	if (subject.startsWith("{") || isMessage(subject)) return explanationOf(lastRefusalIn(subject, "the argument"));
	if (isErrorCode(subject)) return explainCode(subject);
	if (/^ERR_\w+$/.test(subject) && !isThere(subject)) throw unknownName(subject);
	return explainFile(resolve(subject), options);
}

function explanationOf(told: Told): Report {
	const { fields, lines } = explain(told);
	return { exit: 0, fields, lines };
}

function explainCode(reason: ErrorCode): Report {
	const [, meaning] = ERROR_CODES[reason];
	const mend = mendOf(reason) ?? ANY_MEND;
	const more = `\`${COMMAND} explain ${reason}\` says what it means in every command`;
	return {
		exit: 0,
		fields: { reason, meaning, mend },
		lines: [
			`${reason}: ${meaning}`,
			...rows([
				["mend", mend],
				["see also", more],
			]),
		],
	};
}

/** Explains the last refusal of a file in the log, and says what would be decided about the file now. */
function explainFile(path: string, { log, prefix }: WhyOptions): Report {
	const conf = installedConf(resolve(prefix));
	if (log === undefined && conf === undefined) {
		throw usageError(
			`Cannot explain ${quote(path)}: no launcher is installed in ${quote(prefix)}; name its directory with --prefix, or the events with --log`,
		);
	}
	const own = conf?.audit !== undefined && isThere(conf.audit) ? [conf.audit] : [];
	const logs = log ?? own;
	const { refusal, since } = lastAbout(path, logs);
	const explanation = refusal && explain(refusal);
	const now = conf && installedVerdict(path, conf, mendOf);
	// Nobody expects to write to a file that a signature covers.
	const write = conf && now?.fields.entry === undefined ? grantedWriting(realPathOf(path), conf) : undefined;
	return {
		exit: 0,
		fields: { path, logs, since, ...explanation?.fields, now: now?.fields, write: write?.fields },
		lines: [
			...(explanation?.lines ?? [`no refusal of ${escaped(path)} in ${placesText(logs, since, log === undefined)}`]),
			...rows([
				["now".padEnd(WIDTH), now && escaped(now.says)],
				["write".padEnd(WIDTH), write && escaped(write.says)],
			]),
		],
	};
}

/** The names before them, such as `reason` and `signed`, have this length. */
const WIDTH = 6;

/** Names the files that were looked through, and how far back they go. */
function placesText(logs: readonly string[], since: string | undefined, isDefault: boolean): string {
	const places = logs.length === 0 ? "any log" : logs.map(escaped).join(", ");
	const reach =
		logs.length === 0 ? "" : since === undefined ? ", without events" : `, with events since ${escaped(since)}`;
	return `${places}${reach}${isDefault ? "; name others, such as rotated ones, with --log" : ""}`;
}
