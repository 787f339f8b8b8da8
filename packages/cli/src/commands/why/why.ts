import { resolve } from "node:path";
import { COMMAND, ERROR_CODES, type ErrorCode, quote } from "@sigtool/core/internal/errors";
import { policyRuleOf } from "@sigtool/verifier/internal";
import { installedConf, installedVerdict } from "../../launcher/installed-verdict.js";
import { isThere } from "../../launcher/launcher-place.js";
import { readInputFile } from "../../options/input-file.js";
import { usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { mendOf, mendOfLauncher } from "./mends.js";
import { isMessage, lastAbout, lastRefusalIn, MAX_INPUT_BYTES, type Told } from "./refusals.js";

export interface WhyOptions extends OutputOptions {
	readonly log?: readonly string[];
	readonly prefix: string;
}

/** Explains a refusal: what happened, which rule decided, and what to do about it. @throws ERR_USAGE, ERR_IO */
export async function why(subject: string, options: WhyOptions): Promise<Report> {
	if (subject === "-") return explanationOf(lastRefusalIn(readInputFile("-", MAX_INPUT_BYTES).toString(), "the input"));
	if (subject.startsWith("{") || isMessage(subject)) return explanationOf(lastRefusalIn(subject, "the argument"));
	if (isErrorCode(subject)) return explainCode(subject);
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

const ANY_MEND = "docs/reference/errors.md has the meaning of each code";

interface Explanation {
	readonly fields: Readonly<Record<string, unknown>>;
	readonly lines: readonly string[];
}

function explain(told: Told): Explanation {
	const text = (name: string) => {
		const value = told[name];
		return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
	};
	const escapedText = (member: string) => {
		const value = text(member);
		return value && escaped(value);
	};
	const name = text("event") ?? "";
	const reason = text("reason");
	const detail = text("detail");
	const subject = ["path", "script", "file", "argument", "variable", "name", "kind"].map(text).find((each) => each);
	const what = subject === undefined ? name : `${name} ${subject}`;
	const rule = ruleOf(name, reason, text("rule"));
	const known = isErrorCode(reason) ? reason : undefined;
	const meaning = known && ERROR_CODES[known][1];
	const mend = (name === "worker.spawn" && reason && WORKER_MENDS.get(reason)) || mendFor(told);
	const verdict = text("verdict") === "audit" ? "ran; enforcement would refuse it" : "refused";
	const where = ["host", "unit", "uid", "pid"].flatMap((each) => (text(each) ? [`${each} ${text(each)}`] : []));
	return {
		fields: { event: told, what, verdict: text("verdict") ?? "refuse", rule, reason, meaning, detail, mend },
		lines: [
			`${verdict}: ${escaped(what)}`,
			...rows([
				["when", text("time") && escaped(`${text("time")}, ${where.join(", ")}`)],
				["said", detail && escaped(detail)],
				["rule", rule && escaped(rule)],
				["reason", reason && escaped(meaning === undefined ? reason : `${reason}: ${meaning}`)],
				["found", escapedText("sha256")],
				["signed", escapedText("expected")],
				["mend", mend ?? ANY_MEND],
			]),
		],
	};
}

const WORKER_MENDS: ReadonlyMap<string, string> = new Map([
	["ERR_LAUNCHER", "start the service again, so that it runs with the version that is installed"],
	["ERR_START", "start the worker without this option, variable or text; no policy allows it"],
]);

function mendFor(told: Told): string | undefined {
	const { event, reason, detail } = told;
	if (reason === "ERR_LAUNCHER" && typeof detail === "string") return mendOfLauncher(detail);
	const rule = typeof event === "string" && reason === "ERR_RUNTIME_RULE" ? policyRuleOf(event) : undefined;
	if (rule !== undefined) return `change the program, or ${rule.mend}`;
	return isErrorCode(reason) ? mendOf(reason) : undefined;
}

/** Names the rule that decided. */
function ruleOf(event: string, reason: string | undefined, rule: string | undefined): string | undefined {
	if (rule !== undefined) return RULES.get(rule) ?? rule;
	if (reason !== "ERR_RUNTIME_RULE") return OTHER_RULES.get(event);
	const known = policyRuleOf(event);
	return known === undefined ? "a rule that no policy changes" : `${known.member} of the policy`;
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
]);

function isErrorCode(code: unknown): code is ErrorCode {
	return typeof code === "string" && Object.hasOwn(ERROR_CODES, code);
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
	return {
		exit: 0,
		fields: { path, logs, since, ...explanation?.fields, now: now?.fields },
		lines: [
			...(explanation?.lines ?? [`no refusal of ${escaped(path)} in ${placesText(logs, since, log === undefined)}`]),
			...(now === undefined ? [] : rows([["now", escaped(now.says)]])),
		],
	};
}

/** Names the files that were looked through, and how far back they go. */
function placesText(logs: readonly string[], since: string | undefined, isDefault: boolean): string {
	const places = logs.length === 0 ? "any log" : logs.map(escaped).join(", ");
	const reach =
		logs.length === 0 ? "" : since === undefined ? ", without events" : `, with events since ${escaped(since)}`;
	return `${places}${reach}${isDefault ? "; name others, such as rotated ones, with --log" : ""}`;
}
