/** Says in words which rules of a policy decide about a file, which others match, and what would change the decision. */

import { quote } from "../errors.js";
import {
	type FileRule,
	type FileRules,
	type FileRuling,
	hasStrangePath,
	matches,
	type RuledFile,
	ruleOn,
} from "./file-rules.js";

export interface RuleExplanation {
	readonly ruling: FileRuling;
	/** The rules that match too, in the order of the policy. */
	readonly others: readonly FileRule[];
	/** Lines without line breaks: the decision, then the other rules if there are any, then what would change it. */
	readonly lines: readonly string[];
}

/** Explains the decision about a signed file. `rules` is undefined for a policy without rules. */
export function explainRules(rules: FileRules | undefined, file: RuledFile): RuleExplanation {
	if (rules === undefined) {
		const ruling = { isAllowed: true, by: undefined, rule: undefined, why: "" };
		return {
			ruling,
			others: [],
			lines: ["allowed: the policy has no rules", `to refuse it: ${addition("deny", file)}`],
		};
	}
	const ruling = ruleOn(rules, file);
	if (hasStrangePath(file)) return { ruling, others: [], lines: [decision(ruling), "name it by its real path"] };
	const matching = rules.list.filter((rule) => matches(rule, file));
	const others = matching.filter((rule) => rule !== ruling.by);
	const also = others.length === 0 ? [] : [`also matches: ${others.map(described).join(", ")}`];
	const change = ruling.isAllowed ? toRefuse(rules, file, matching) : toAllow(rules, file, matching);
	return { ruling, others, lines: [decision(ruling), ...also, change] };
}

function decision({ isAllowed, by, why }: FileRuling): string {
	if (isAllowed) return by === undefined ? "allowed: no rule matches it" : `allowed by ${described(by)}`;
	if (by === undefined) return `refused: ${why}`;
	const { message, url } = by;
	return `refused by ${described(by)}${message === undefined ? "" : `: ${message}`}${url === undefined ? "" : `; see ${url}`}`;
}

/** Returns a rule as text, e.g. `rules[2] (deny path "vendor/**" and product "app", owner "Ops")`. */
export function described(rule: FileRule): string {
	const { name, isSupplemental, isExpired, expires, owner } = rule;
	const facts = [
		summaryOf(rule),
		...(isSupplemental ? ["supplemental"] : []),
		...(expires === undefined ? [] : [`${isExpired ? "expired on" : "until"} ${expires}`]),
		...(owner === undefined ? [] : [`owner ${quote(owner)}`]),
	];
	return `${name} (${facts.join(", ")})`;
}

/** Returns what a rule matches, e.g. `allow name "a.js" and product "app"`. */
export function summaryOf({ isDeny, match: { sha256, path, name, product, signer } }: FileRule): string {
	const files = [
		...(sha256 === undefined ? [] : [`sha256 ${sha256}`]),
		...(path === undefined ? [] : [`path ${quote(path)}`]),
		...(name === undefined ? [] : [`name ${quote(name)}`]),
		...(product === undefined ? [] : [`product ${quote(product)}`]),
		...(signer === undefined ? [] : [signerText(signer)]),
	];
	return `${isDeny ? "deny" : "allow"} ${files.join(" and ")}`;
}

function signerText({ key, authority, subject }: NonNullable<FileRule["match"]["signer"]>): string {
	return key === undefined ? `signer ${quote(subject ?? "")} of authority ${authority}` : `signer ${key}`;
}

/** Without its last allow rule a policy would permit everything that is signed, so such a rule must stay. */
function toRefuse({ list }: FileRules, file: RuledFile, matching: readonly FileRule[]): string {
	const isAllow = ({ isDeny, isExpired }: FileRule) => !isDeny && !isExpired;
	const [only, ...more] = matching.filter(isAllow);
	const rest = list.filter((rule) => rule !== only && !rule.isDeny && rule.isSupplemental === only?.isSupplemental);
	const remove = only === undefined || more.length > 0 || rest.length === 0 ? "" : `, or remove ${only.name}`;
	return `to refuse it: ${addition("deny", file)}${remove}`;
}

function toAllow(rules: FileRules, file: RuledFile, matching: readonly FileRule[]): string {
	const denies = matching.filter(({ isDeny }) => isDeny);
	const steps = denies.length === 0 ? [] : [`remove or narrow ${denies.map(({ name }) => name).join(" and ")}`];
	const layers = [
		[rules.isBaseClosed, false, "the base policy"],
		[rules.isSupplementClosed, true, "a supplemental policy"],
	] as const;
	for (const [isClosed, isSupplemental, where] of layers) {
		const allows = matching.filter((rule) => !rule.isDeny && rule.isSupplemental === isSupplemental);
		if (!isClosed || allows.some(({ isExpired }) => !isExpired)) continue;
		const [ended] = allows.sort((a, b) => b.rank - a.rank);
		steps.push(ended === undefined ? `${addition("allow", file)} to ${where}` : `renew ${ended.name}`);
	}
	return `to allow it: ${steps.join(", and ")}`;
}

/** Names the file by its path rather than by its content, which changes with each release. In a path a star is none. */
function addition(verb: "allow" | "deny", { product, path, sha256 }: RuledFile): string {
	const match = product === undefined || path.includes("*") ? { product, sha256 } : { product, path };
	return `add ${JSON.stringify({ [verb]: match })}`;
}
