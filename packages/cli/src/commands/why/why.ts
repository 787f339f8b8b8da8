import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { readBounded } from "@sigtool/core";
import { ERROR_CODES, type ErrorCode, errnoReason, quote, SigtoolError } from "@sigtool/core/errors";
import { verifyHost } from "@sigtool/verifier";
import { type LauncherConf, parseLauncherConf } from "../../launcher/launcher-conf.js";
import { CONF_NAME } from "../../launcher/launcher-place.js";
import { readInputFile } from "../../options/input-file.js";
import { usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { mendOf, mendOfLauncher, policyMemberOf } from "./mends.js";

export interface WhyOptions extends OutputOptions {
	readonly log?: string;
	readonly prefix: string;
}

/** An event, or what a message tells of one. */
type Told = Readonly<Record<string, unknown>>;

/** Explains a refusal: what happened, which rule decided, and what to do about it. @throws ERR_USAGE, ERR_IO */
export async function why(subject: string, options: WhyOptions): Promise<Report> {
	if (subject === "-") return explanationOf(lastRefusalIn(readInputFile("-", MAX_INPUT_BYTES).toString(), "the input"));
	if (subject.startsWith("{") || MESSAGE.test(subject)) return explanationOf(lastRefusalIn(subject, "the argument"));
	return explainFile(resolve(subject), options);
}

const MAX_INPUT_BYTES = 1 << 26;

/** @throws ERR_USAGE if no line tells of a refusal */
function lastRefusalIn(text: string, where: string): Told {
	for (const line of text.split("\n").reverse()) {
		const told = toldBy(line);
		if (told !== undefined) return told;
	}
	throw usageError(`Cannot explain ${where}: no line is the event or the message of a refusal`);
}

/** Reads a line that has an event, possibly behind the name of a program, or a message of sigtool. */
function toldBy(line: string): Told | undefined {
	const start = line.indexOf("{");
	const event = start === -1 ? undefined : parseEvent(line.slice(start));
	if (event !== undefined) return event.verdict === "allow" ? undefined : event;
	const [, program, code, message, codeBehind] = MESSAGE.exec(line) ?? [];
	if (message === undefined) return undefined;
	const isLaunchers = program === "sigtool-launch";
	return {
		event: "message",
		reason: code ?? codeBehind ?? (isLaunchers ? "ERR_LAUNCHER" : undefined),
		detail: message,
	};
}

const MESSAGE = /\b(sigtool-launch|sigtool|spython|error): (?:(ERR_\w+): )?(.*?)(?: \[(ERR_\w+)\])?$/;

function parseEvent(text: string): Told | undefined {
	try {
		const value: unknown = JSON.parse(text);
		// The type assertion is safe: an object has members of unknown types.
		const event = typeof value === "object" && value !== null ? (value as Told) : {};
		return typeof event.event === "string" && typeof event.verdict === "string" ? event : undefined;
	} catch {
		return undefined;
	}
}

function explanationOf(told: Told): Report {
	const { fields, lines } = explain(told);
	return { exit: 0, fields, lines };
}

interface Explanation {
	readonly fields: Readonly<Record<string, unknown>>;
	readonly lines: readonly string[];
}

function explain(told: Told): Explanation {
	const text = (name: string) => {
		const value = told[name];
		return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
	};
	const name = text("event") ?? "";
	const reason = text("reason");
	const detail = text("detail");
	const subject = ["path", "script", "file", "argument", "variable", "name", "kind"].map(text).find((each) => each);
	const what = subject === undefined ? name : `${name} ${subject}`;
	const rule = ruleOf(name, reason, text("rule"));
	const known = isErrorCode(reason) ? reason : undefined;
	const meaning = known && ERROR_CODES[known][1];
	const mend = name !== "message" && reason === "ERR_LAUNCHER" && name === "worker.spawn" ? WORKER_MEND : mendFor(told);
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
				["found", text("sha256")],
				["signed", text("expected")],
				["mend", mend ?? "docs/errors.md has the meaning of each code"],
			]),
		],
	};
}

const WORKER_MEND = "start the service again, so that it runs with the version that is installed";

function mendFor(told: Told): string | undefined {
	const { event, reason, detail } = told;
	if (reason === "ERR_LAUNCHER" && typeof detail === "string") return mendOfLauncher(detail);
	const member = typeof event === "string" && reason === "ERR_RUNTIME_RULE" ? policyMemberOf(event) : undefined;
	if (member !== undefined) return `change the program, or set ${member} in the policy and compile again`;
	return isErrorCode(reason) ? mendOf(reason) : undefined;
}

/** Names the rule that decided. */
function ruleOf(event: string, reason: string | undefined, rule: string | undefined): string | undefined {
	if (rule !== undefined) return RULES[rule] ?? rule;
	if (reason !== "ERR_RUNTIME_RULE") return OTHER_RULES[event];
	const member = policyMemberOf(event);
	return member === undefined ? "a rule that no policy changes" : `${member} of the policy`;
}

/** The rules by which an event is refused for another reason than a file or a rule of the policy. */
const OTHER_RULES: Readonly<Record<string, string>> = {
	"cmdline.refused": "start: nothing may change what the runtime loads",
	"verifier.start": "start: settings, index, signer and system must be as they should",
	"worker.spawn": "start: a worker loads the version that its process started with",
};

/** The rules of the verifier, in words. */
const RULES: Readonly<Record<string, string>> = {
	entry: "entry: the trust index says what each file contains",
	deny: "deny: the deny list of the host configuration",
	product: "product: code is loaded from the directories of products alone",
	link: "link: each link on the path must be signed",
	files: "files: the type and the size of files, by the policy",
	kernel: "kernel: the kernel must agree that the file may be executed",
	time: "time: the trust index ends",
};

function isErrorCode(code: unknown): code is ErrorCode {
	return typeof code === "string" && Object.hasOwn(ERROR_CODES, code);
}

/** Explains the last refusal of a file in the log, and says what would be decided about the file now. */
function explainFile(path: string, { log, prefix }: WhyOptions): Report {
	const conf = confIn(resolve(prefix));
	const file = log ?? conf?.audit;
	if (file === undefined && conf === undefined) {
		throw usageError(
			`Cannot explain ${quote(path)}: no launcher is installed in ${quote(prefix)}; name the events with --log`,
		);
	}
	const told = file === undefined || (log === undefined && !existsSync(file)) ? undefined : lastAbout(path, file);
	const explanation = told && explain(told);
	const now = conf && decisionNow(path, conf);
	return {
		exit: 0,
		fields: { path, log: file, ...explanation?.fields, now: now?.fields },
		lines: [
			...(explanation?.lines ?? [
				`no refusal of ${escaped(path)} in ${file === undefined ? "any log" : escaped(file)}`,
			]),
			...(now === undefined ? [] : rows([["now", escaped(now.says)]])),
		],
	};
}

function confIn(prefix: string): LauncherConf | undefined {
	const file = join(prefix, CONF_NAME);
	return existsSync(file) ? parseLauncherConf(readFileSync(file), file) : undefined;
}

/** Returns the last refusal in the log that names the file. Looks at the last MAX_INPUT_BYTES bytes of the log. */
function lastAbout(path: string, log: string): Told | undefined {
	const names = ["path", "script", "file", "argument"];
	for (const line of endOf(log).split("\n").reverse()) {
		const event = line.startsWith("{") && !line.includes('"verdict":"allow"') ? parseEvent(line) : undefined;
		if (event === undefined) continue;
		const { detail } = event;
		const isSaid = typeof detail === "string" && detail.includes(quote(path));
		if (isSaid || names.some((name) => event[name] === path)) return event;
	}
	return undefined;
}

function endOf(file: string): string {
	let descriptor: number | undefined;
	try {
		descriptor = openSync(file, "r");
		const { size } = fstatSync(descriptor);
		const bytes = Buffer.alloc(Math.min(size, MAX_INPUT_BYTES));
		return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, size - bytes.length)).toString();
	} catch (cause) {
		throw new SigtoolError("ERR_IO", `Cannot read ${quote(file)}: ${errnoReason(cause)}`, { cause, path: file });
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

/** No policy allows a larger file. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

interface Decision {
	readonly fields: Readonly<Record<string, unknown>>;
	readonly says: string;
}

/** Judges the file by the index and the configuration of the installed launcher. Raises no event. */
function decisionNow(path: string, { index, config, development }: LauncherConf): Decision {
	try {
		const { mode, decide } = verifyHost({ index, config, development });
		if (mode === "off") return { fields: { mode }, says: "would be loaded: in mode off nothing is judged" };
		const verdict = decide(realpathSync(path), readBounded(path, MAX_FILE_BYTES));
		if (verdict.trusted) {
			return {
				fields: { ...verdict },
				says: `would be loaded: it is ${verdict.entry} of ${verdict.product}, as signed`,
			};
		}
		const says = `would be refused: ${verdict.why} (${verdict.reason}); ${verdict.mend}`;
		return { fields: { ...verdict }, says };
	} catch (error) {
		const { code = undefined, message } = error instanceof SigtoolError ? error : { message: errnoReason(error) };
		const mend = code && mendOf(code);
		return {
			fields: { trusted: false, reason: code, why: message, mend },
			says: `cannot be judged: ${message}${mend === undefined ? "" : `; ${mend}`}`,
		};
	}
}
