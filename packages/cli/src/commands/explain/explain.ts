import { existsSync } from "node:fs";
import { ERROR_HELP } from "@sigtool/core/internal";
import { ERROR_CODES, type ErrorCode, isErrorCode } from "@sigtool/core/internal/errors";
import { EVENTS } from "@sigtool/verifier";
import { policyRuleOf } from "@sigtool/verifier/internal";
import type { Told } from "../../events/event.js";
import { explain as explanationOf } from "../../events/explain.js";
import { closestNames, unknownName } from "../../events/known-names.js";
import { mendOf } from "../../events/mends.js";
import { readInputFile } from "../../options/input-file.js";
import { usageError } from "../../options/usage.js";
import { type Report, rows } from "../../output/output.js";
import { pageOf } from "../../output/rules.js";
import type { ExplainOptions } from "./explain-options.js";
import { isMessage, lastRefusalIn, MAX_INPUT_BYTES } from "./refusals.js";

/** Explains a code, an event, a refusal or a file. @throws ERR_USAGE for an unknown code, and if none is meant; ERR_IO */
export async function explain(subject: string, options: ExplainOptions): Promise<Report> {
	if (subject === "") throw usageError("Name an error code, an audit event, a refusal or a file");
	if (subject === "-")
		return explainRefusal(lastRefusalIn(readInputFile("-", MAX_INPUT_BYTES).toString(), "the input"));
	if (subject.startsWith("{") || isMessage(subject)) return explainRefusal(lastRefusalIn(subject, "the argument"));
	const code = subject.toUpperCase();
	if (isErrorCode(code)) return explainCode(code);
	const event = eventNamed(subject);
	if (event !== undefined) return explainEvent(event === OF_PYTHON ? subject : event, event);
	if (!existsSync(subject) && isNoPath(subject)) throw unknownName(subject);
	return (await import("./explain-path.js")).explainPath(subject, options);
}

/** Returns true for a text that looks like a code or like the name of an event, and not like a path. */
function isNoPath(subject: string): boolean {
	if (/[\\/]/.test(subject)) return false;
	return /^ERR[_-]?/i.test(subject) || /^[A-Z0-9_]+$/.test(subject) || closestNames(subject).length > 0;
}

function explainRefusal(told: Told): Report {
	const { fields, lines } = explanationOf(told);
	return { exit: 0, fields: { kind: "refusal", ...fields }, lines };
}

function explainCode(code: ErrorCode): Report {
	const [exitStatus, meaning] = ERROR_CODES[code];
	const { why, remedy } = ERROR_HELP[code];
	const mend = mendOf(code);
	const page = pageOf(code);
	return {
		exit: 0,
		fields: { kind: "code", code, exitStatus, meaning, why, remedy, mend: mend ?? null, page },
		lines: [
			`${code}: ${meaning}`,
			...rows([
				["why", why],
				["what to do", remedy],
				["at run time", mend],
				["exit", String(exitStatus)],
				["page", page],
			]),
		],
	};
}

type EventKey = keyof typeof EVENTS;

/** The row for all events of CPython. */
const OF_PYTHON = "python.<name>";

/** Finds an event of the table, in any case. */
function eventNamed(name: string): EventKey | undefined {
	const lower = name.toLowerCase();
	const found = (Object.keys(EVENTS) as EventKey[]).find((key) => key === lower);
	return found ?? (/^python\.\w+(\.\w+)*$/.test(lower) ? OF_PYTHON : undefined);
}

function explainEvent(event: string, key: EventKey): Report {
	const { meaning, fields, bypassable } = EVENTS[key];
	const rule = policyRuleOf(event);
	const page = "docs/reference/events.md";
	return {
		exit: 0,
		fields: { kind: "event", event, meaning, fields, bypassable, policy: rule?.member ?? null, page },
		lines: [
			`${event}: ${meaning}`,
			...rows([
				["fields", fields.join(", ")],
				["bypassable", bypassable ? "yes: it records what well-behaved code does" : "no"],
				["policy", rule && `${rule.member}; to allow it, ${rule.mend}`],
				["page", page],
			]),
		],
	};
}
