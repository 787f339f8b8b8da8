import { realpathSync, type Stats, statSync } from "node:fs";
import { digestFile, type IndexContentView, type IndexedProduct, type Policy } from "@sigtool/core";
import { explainRules, fileRulesOf, type RuledFile } from "@sigtool/core/internal";
import { ERROR_CODES, type ErrorCode, ioError, quote } from "@sigtool/core/internal/errors";
import { ownerOrModeObjection } from "@sigtool/verifier/internal";
import { type LoggedEvent, parseEvent, textOf } from "../../events/event.js";
import { mendOf } from "../../events/mends.js";
import { readInputFile } from "../../options/input-file.js";
import { usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";
import { type EventJudge, eventJudge, type Objection, subjectOf } from "../../policy/judge-event.js";
import { indexIn, policyOfFiles } from "../../policy/policy-files.js";

export interface PolicyExplainOptions extends OutputOptions {
	readonly policy?: readonly string[];
	readonly index?: string;
}

/** Explains the decision about a file or an event. @throws ERR_USAGE, ERR_POLICY, ERR_ROOT_MISSING, ERR_IO */
export async function policyExplain(subject: string, options: PolicyExplainOptions): Promise<Report> {
	const index = options.index === undefined ? undefined : indexIn(options.index);
	const policy = policyFor(options.policy, index);
	const isEvent = subject === "-" || subject.trimStart().startsWith("{");
	return isEvent ? explainEvent(eventOf(subject), policy, index) : explainFile(subject, policy, index);
}

/** Returns the given policy, else that of the index. @throws ERR_USAGE */
export function policyFor(files: readonly string[] | undefined, index: IndexContentView | undefined): Policy {
	if (files !== undefined && files.length > 0) return policyOfFiles(files);
	if (index !== undefined) return index.policy;
	throw usageError("Name a policy with --policy, or a trust index with --index");
}

const MAX_EVENT_BYTES = 1 << 20;

function eventOf(subject: string): LoggedEvent {
	const text = subject === "-" ? readInputFile("-", MAX_EVENT_BYTES).toString() : subject;
	const events = text.split("\n").flatMap((line) => parseEvent(line) ?? []);
	const last = events.at(-1);
	if (last === undefined) throw usageError("Cannot explain the input: no line is an event");
	return last;
}

function explainEvent(event: LoggedEvent, policy: Policy, index: IndexContentView | undefined): Report {
	const judge = eventJudge(policy, index, Date.now());
	const file = judge.fileOf(event);
	const reason = textOf(event, "reason");
	const isAboutRules = file !== undefined && (reason === undefined || reason === "ERR_POLICY_RULE");
	if (isAboutRules) return explained(subjectOf(event), file, judge);
	const objection = judge.objectionTo(event);
	const says = objection === undefined ? "allowed: no rule is about it" : `refused: ${objection.why}`;
	const way = objection && (file === undefined ? wayOutOfRule(objection, policy) : wayOut(reason));
	const lines = way === undefined ? [says] : [says, way];
	return {
		exit: 0,
		fields: { subject: subjectOf(event), allowed: objection === undefined, explain: lines },
		lines: told(subjectOf(event), lines),
	};
}

/** Returns what would change a refusal by a member of the policy. */
export function wayOutOfRule({ rule }: Objection, { mode }: Policy): string | undefined {
	if (rule === undefined) return undefined;
	if (mode === "strict" && rule.isFixedInStrict) return `no policy allows it in mode strict (${rule.member})`;
	return `to allow it (${rule.member}): ${rule.mend}`;
}

/** Returns what would change a refusal that no rule has made. */
function wayOut(reason: string | undefined): string {
	if (reason !== "ERR_FILE_OWNER" && reason !== "ERR_FILE_WRITABLE") return NO_RULE_ALLOWS;
	return `to allow it: ${mendOf(reason)}`;
}

const NO_RULE_ALLOWS = "no rule can allow it: rules choose among what is signed";

function explainFile(path: string, policy: Policy, index: IndexContentView | undefined): Report {
	if (index === undefined)
		throw usageError(`Name the trust index with --index: it says whether ${quote(path)} is signed`);
	const { real, stats } = fileAt(path);
	const sha256 = Buffer.from(digestFile(real, "sha256").digest).toString("hex");
	const place = placeOf(real, index.products);
	const entry = place && index.find(place.product.name, place.entry);
	const code = codeOf(place !== undefined, entry?.kind === "file" ? entry.sha256 : undefined, sha256);
	if (code !== undefined || place === undefined) {
		const [, meaning] = ERROR_CODES[code ?? "ERR_OUTSIDE_PRODUCTS"];
		const lines = [`refused: ${meaning.replace(/\.$/, "")} (${code})`, NO_RULE_ALLOWS];
		return {
			exit: 0,
			fields: { subject: real, allowed: false, reason: code, explain: lines },
			lines: told(real, lines),
		};
	}
	const file = { product: place.product.name, path: place.entry, sha256, signers: place.product.signers ?? [] };
	const rules = fileRulesOf(policy, Date.now());
	const refused = ownerOrModeObjection(policy.files, stats.uid, stats.mode);
	if (refused === undefined || explainRules(rules, file).ruling.isAllowed === false) {
		return explained(real, file, { rules });
	}
	const { reason, why } = refused;
	const lines = [`refused: ${why} (${reason})`, wayOut(reason)];
	return { exit: 0, fields: { subject: real, allowed: false, reason, explain: lines }, lines: told(real, lines) };
}

function codeOf(isInProduct: boolean, signed: string | undefined, found: string): ErrorCode | undefined {
	if (!isInProduct) return "ERR_OUTSIDE_PRODUCTS";
	if (signed === undefined) return "ERR_FILE_ADDED";
	return signed === found ? undefined : "ERR_FILE_MODIFIED";
}

function explained(subject: string, file: RuledFile, { rules }: Pick<EventJudge, "rules">): Report {
	const { ruling, others, lines } = explainRules(rules, file);
	return {
		exit: 0,
		fields: {
			subject,
			product: file.product,
			entry: file.path,
			sha256: file.sha256,
			allowed: ruling.isAllowed,
			rule: ruling.rule,
			others: others.map(({ name }) => name),
			explain: lines,
		},
		lines: told(subject, lines),
	};
}

function told(subject: string, lines: readonly string[]): string[] {
	return [escaped(subject), ...lines.map((line) => `  ${escaped(line)}`)];
}

/** @throws ERR_ROOT_MISSING, ERR_IO */
function fileAt(path: string): { readonly real: string; readonly stats: Stats } {
	try {
		const real = realpathSync.native(path);
		return { real, stats: statSync(real) };
	} catch (cause) {
		throw ioError("read", path, cause);
	}
}

/** Returns the innermost product around a path. The host configuration may bind a product to another directory. */
function placeOf(path: string, products: readonly IndexedProduct[]) {
	const around = products
		.map((product) => ({ product, prefix: product.root.endsWith("/") ? product.root : `${product.root}/` }))
		.filter(({ prefix }) => path.startsWith(prefix))
		.sort((a, b) => b.prefix.length - a.prefix.length);
	const [innermost] = around;
	return innermost && { product: innermost.product, entry: path.slice(innermost.prefix.length) };
}
