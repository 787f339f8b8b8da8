import type { IndexContentView, Policy } from "@sigtool/core";
import { countOf, type LoggedEvent, textOf } from "../../events/event.js";
import { eachEvent } from "../../events/read-events.js";
import { usageError } from "../../options/usage.js";
import { escaped, type Report } from "../../output/output.js";
import { count } from "../../output/render.js";
import { eventJudge, subjectOf } from "../../policy/judge-event.js";
import { indexIn } from "../../policy/policy-files.js";
import { type PolicyExplainOptions, policyFor, wayOutOfRule } from "./policy-explain.js";

/** One group of events that would have been refused for one reason. */
export interface Refused {
	readonly subject: string;
	readonly event: string;
	readonly why: string;
	events: number;
	readonly first: string | undefined;
}

/** Judges logged events by a policy. @throws ERR_USAGE, ERR_POLICY, ERR_ROOT_MISSING, ERR_IO */
export async function policyTest(logs: readonly string[], options: PolicyExplainOptions): Promise<Report> {
	const index = options.index === undefined ? undefined : indexIn(options.index);
	const policy = policyFor(options.policy, index);
	const { objectionTo } = eventJudge(policy, index, Date.now());
	const ways = new Set<string>();
	let isOfPython = false;
	let tellsOfText = false;
	const refused = new Map<string, Refused>();
	let judged = 0;
	const otherLines = await eachEvent(logs, (event) => {
		judged++;
		isOfPython ||= event.event.startsWith("python.") || textOf(event, "script")?.endsWith(".py") === true;
		tellsOfText ||= event.event === "python.compile";
		const why = objectionTo(event);
		if (why === undefined) return;
		note(refused, event, why);
		const way = wayOutOfRule(event, policy);
		if (way !== undefined) ways.add(way);
	});
	if (judged === 0) throw usageError(`Cannot test with ${logs.map(escaped).join(", ")}: no line is an event`);
	const groups = [...refused.values()].sort((a, b) => b.events - a.events);
	const lines = groups.map(({ subject, why, events: times }) => {
		return `refused: ${escaped(subject)}${times === 1 ? "" : ` (${times} times)`}: ${escaped(why)}`;
	});
	const total = groups.reduce((sum, each) => sum + each.events, 0);
	const other = otherLines === 0 ? "" : `; ${count(otherLines, "line")} of other text`;
	const summary = `${count(judged, "event")}: ${total === 0 ? "nothing" : total} would be refused${other}`;
	return {
		exit: total === 0 ? 0 : 1,
		fields: { logs, events: judged, otherLines, refusedEvents: total, refused: groups },
		lines: [...shown(lines), summary],
		notes: isOfPython && !tellsOfText && isTextAtStake(policy, index) ? [...ways, NO_TEXT] : [...ways],
		failures: total === 0 ? [] : [...shown(lines), summary],
	};
}

/** Tells whether the policy refuses text that a run under the policy of the index would not have reported. */
function isTextAtStake(policy: Policy, index: IndexContentView | undefined): boolean {
	const judgesText = ({ mode, python }: Policy) => mode === "strict" || python.stringCode !== "audit";
	return judgesText(policy) && (index === undefined || !judgesText(index.policy));
}

const NO_TEXT =
	"no event tells of text that CPython made code of (python.compile), which this policy may refuse: record a run in mode audit with python.stringCode signed";

/** More groups than these are one line. */
const MAX_SHOWN = 100;

function shown(lines: readonly string[]): string[] {
	const rest = lines.length - MAX_SHOWN;
	return [...lines.slice(0, MAX_SHOWN), ...(rest > 0 ? [`and ${rest} more; --json lists them`] : [])];
}

function note(refused: Map<string, Refused>, event: LoggedEvent, why: string): void {
	const subject = subjectOf(event);
	const times = countOf(event);
	const key = `${subject}\0${why}`;
	const known = refused.get(key);
	if (known !== undefined) known.events += times;
	else refused.set(key, { subject, event: event.event, why, events: times, first: textOf(event, "time") });
}
