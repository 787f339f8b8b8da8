import type { IndexContentView, Policy } from "@sigtool/core";
import { countOf, type LoggedEvent, textOf } from "../../events/event.js";
import { eachEvent } from "../../events/read-events.js";
import { usageError } from "../../options/usage.js";
import { escaped, type Report } from "../../output/output.js";
import { count } from "../../output/render.js";
import { eventJudge, subjectOf } from "../../policy/judge-event.js";
import { indexIn } from "../../policy/policy-files.js";
import { type PolicyExplainOptions, policyFor, wayOutOfRule } from "./policy-explain.js";

/** One group of events that would have been refused, or would have failed, for one reason. */
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
	const failed = new Map<string, Refused>();
	let judged = 0;
	const otherLines = await eachEvent(logs, (event) => {
		judged++;
		isOfPython ||= event.event.startsWith("python.") || textOf(event, "script")?.endsWith(".py") === true;
		tellsOfText ||= event.event === "python.compile";
		const objection = objectionTo(event);
		if (objection === undefined) return;
		note(objection.isError === true ? failed : refused, event, objection.why);
		const way = objection.isError === true ? undefined : wayOutOfRule(objection, policy);
		if (way !== undefined) ways.add(way);
	});
	if (judged === 0) throw usageError(`Cannot test with ${logs.map(escaped).join(", ")}: no line is an event`);
	const [groups, failing] = [sorted(refused), sorted(failed)];
	const lines = [...groups.map((each) => lineOf("refused", each)), ...failing.map((each) => lineOf("fails", each))];
	const total = groups.reduce((sum, each) => sum + each.events, 0);
	const other = otherLines === 0 ? "" : `; ${count(otherLines, "line")} of other text`;
	const summary = `${count(judged, "event")}: ${total === 0 ? "nothing" : total} would be refused${other}`;
	const notes = [...ways];
	if (failing.length > 0) notes.push(ABOUT_FAILING);
	if (isOfPython && !tellsOfText && isTextAtStake(policy, index)) notes.push(NO_TEXT);
	return {
		exit: total === 0 ? 0 : 1,
		fields: { logs, events: judged, otherLines, refusedEvents: total, refused: groups, failing },
		lines: [...shown(lines), summary],
		notes,
		failures: total === 0 ? [] : [...shown(lines), summary],
	};
}

function sorted(groups: ReadonlyMap<string, Refused>): Refused[] {
	return [...groups.values()].sort((a, b) => b.events - a.events);
}

function lineOf(word: string, { subject, why, events: times }: Refused): string {
	return `${word}: ${escaped(subject)}${times === 1 ? "" : ` (${times} times)`}: ${escaped(why)}`;
}

const ABOUT_FAILING =
	"where a program starts another one, it gets an error, and decides itself whether it goes on; no event says so: run it once under enforcement";

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
