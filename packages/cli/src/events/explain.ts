/** Explains events: what was refused, by which rule, and what to do about it. */

import { COMMAND, ERROR_CODES, isErrorCode } from "@sigtool/core/internal/errors";
import { VERDICTS } from "@sigtool/verifier";
import { type PolicyRule, policyRuleOf } from "@sigtool/verifier/internal";
import { escaped, rows } from "../output/output.js";
import { isByMember, subjectOf, type Told, textOf, verdictOf, verdictWord } from "./event.js";
import { mendOf, mendOfLauncher } from "./mends.js";

export const ANY_MEND = "docs/reference/errors.md has the meaning of each code";

export interface Explanation {
	readonly fields: Readonly<Record<string, unknown>>;
	readonly lines: readonly string[];
}

/** Says what happened, which rule decided, and what to do about it. */
export function explain(told: Told): Explanation {
	const text = (member: string) => textOf(told, member);
	const escapedText = (member: string) => {
		const value = text(member);
		return value && escaped(value);
	};
	const name = text("event") ?? "";
	const reason = text("reason");
	const detail = text("detail");
	const subject = subjectOf(told);
	const what = subject === undefined ? name : `${name} ${subject}`;
	const rule = ruleOf(told);
	const known = isErrorCode(reason) ? reason : undefined;
	const meaning = known && ERROR_CODES[known][1];
	const mend = mendFor(told);
	const isRecorded = verdictOf(told) === "record";
	// A message tells of a refusal, and has no verdict.
	const isMessage = text("verdict") === undefined;
	const verdict = isMessage ? "refuse" : verdictOf(told);
	const where = ["host", "unit", "uid", "pid"].flatMap((each) => (text(each) ? [`${each} ${text(each)}`] : []));
	return {
		fields: { event: told, what, verdict, rule, reason, meaning, detail, mend },
		lines: [
			`${isMessage ? VERDICTS.refuse.word : verdictWord(told)}: ${escaped(what)}`,
			...rows([
				["when", text("time") && escaped(`${text("time")}, ${where.join(", ")}`)],
				["said", detail && escaped(detail)],
				["rule", rule && escaped(rule)],
				["reason", reason && escaped(meaning === undefined ? reason : `${reason}: ${meaning}`)],
				["found", escapedText("sha256")],
				["signed", escapedText("expected")],
				["mend", mend ?? (isRecorded ? undefined : ANY_MEND)],
			]),
		],
	};
}

const WORKER_MENDS: ReadonlyMap<string, string> = new Map([
	["ERR_LAUNCHER", "start the service again, so that it runs with the version that is installed"],
	["ERR_START", "start the worker without this option, variable or text; no policy allows it"],
]);

const WEAKER_MODE_MEND =
	`install the launcher in the mode that the message names last (\`${COMMAND} launcher install --mode\`), or change ` +
	"the mode in the file that it names";

/** Returns what to do about a refusal, or undefined if only its message tells. */
function mendFor(told: Told): string | undefined {
	const { event, reason, detail } = told;
	if (told.rule === "fixed") return "change the program: no policy allows it";
	const ofWorker = event === "worker.spawn" && typeof reason === "string" ? WORKER_MENDS.get(reason) : undefined;
	if (ofWorker !== undefined) return ofWorker;
	if (reason === "ERR_START" && typeof detail === "string" && detail.startsWith("Cannot be in mode"))
		return WEAKER_MODE_MEND;
	if (reason === "ERR_LAUNCHER" && typeof detail === "string") return mendOfLauncher(detail);
	const rule = isByMember(told) ? policyRuleOn(told) : undefined;
	if (rule !== undefined && verdictOf(told) === "record")
		return `nothing has to be done: ${rule.member} of the policy says \`audit\`, which lets it go on; the other words of that member refuse it`;
	if (rule !== undefined) return `change the program, or ${rule.mend}`;
	return isErrorCode(reason) ? mendOf(reason) : undefined;
}

/** Returns the rule of the policy on what was refused. A message about a rule names the event. */
function policyRuleOn({ event, detail }: Told): PolicyRule | undefined {
	const named = event === "message" && typeof detail === "string" ? RULED.exec(detail)?.[1] : undefined;
	// The messages of spython name an event of CPython as CPython does.
	if (named !== undefined) return policyRuleOf(named) ?? policyRuleOf(`python.${named}`, detail);
	return typeof event === "string" ? policyRuleOf(event, detail) : undefined;
}

const RULED = /^Cannot go on with ([\w.]+)/;

/** Names the rule that decided, in words. */
function ruleOf(told: Told): string | undefined {
	const rule = textOf(told, "rule");
	if (rule?.startsWith("rules[")) return `${rule}: a rule of the policy`;
	if (rule !== undefined) return RULES.get(rule) ?? rule;
	const isRecorded = verdictOf(told) === "record";
	if (!isByMember(told)) return isRecorded ? undefined : OTHER_RULES.get(String(told.event));
	const known = policyRuleOn(told);
	if (known !== undefined) return `${known.member} of the policy`;
	return isRecorded ? undefined : "a rule that no policy changes";
}

/** The rules by which an event is refused for another reason than a file or a rule of the policy. */
const OTHER_RULES: ReadonlyMap<string, string> = new Map([
	["cmdline.refused", "start: nothing may change what the runtime loads"],
	["verifier.start", "start: settings, index, signer and system must be as they should"],
	["worker.spawn", "start: a worker loads the version that its process started with"],
]);

/** The rules of the verifier, in words. */
const RULES: ReadonlyMap<string, string> = new Map([
	["entry", "entry: the trust index says what each file contains"],
	["deny", "deny: the deny list of the host configuration"],
	["product", "product: code is loaded from the directories of products alone"],
	["link", "link: each link on the path must be signed"],
	["files", "files: the type and the size of files, by the policy"],
	["kernel", "kernel: the kernel must agree that the file may be executed"],
	["time", "time: the trust index ends"],
	["fixed", "a rule that no policy changes"],
	["rules", "rules: no allow rule of the policy matches"],
]);
