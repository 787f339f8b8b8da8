import { normalizeNameText, type Policy } from "@sigtool/core";
import { described, type FileRule, fileRulesOf } from "@sigtool/core/internal";
import { quote } from "@sigtool/core/internal/errors";
import { policySignerRows, signedPolicyFields } from "../../output/index-file.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { count } from "../../output/render.js";
import { policiesToCheck } from "../../policy/policy-files.js";

/** Checks policies. A policy that can be used has exit status 0, also with warnings. @throws ERR_POLICY */
export async function policyCheck(files: readonly string[], _options: OutputOptions): Promise<Report> {
	const { policy, signedPolicy } = policiesToCheck(files);
	const now = Date.now();
	const rules = fileRulesOf(policy, now)?.list ?? [];
	const findings = rules.flatMap((rule) => findingsOf(rule, rules, now));
	return {
		exit: 0,
		fields: {
			policies: files,
			mode: policy.mode,
			rules: rules.map(ruleFields),
			signedPolicy: signedPolicyFields({ signedPolicy }),
			findings,
		},
		lines: [
			`${files.map(escaped).join(" with ")}: ${files.length === 1 ? "this policy" : "together they"} can be used`,
			...rows([
				["mode", policy.mode],
				["products", productsText(policy)],
				["rules", rulesText(rules)],
				...policySignerRows({ signedPolicy }),
			]),
			...rules.map((rule) => `  ${escaped(described(rule))}${reasonText(rule)}`),
		],
		warnings: findings.map(({ rule, finding }) => `${rule} ${finding}`),
	};
}

function productsText({ products }: Policy): string {
	return products.length === 0 ? "every product of the index" : products.map(escaped).join(", ");
}

function rulesText(rules: readonly FileRule[]): string {
	if (rules.length === 0) return "none: every signed file may be loaded";
	const allows = rules.filter(({ isDeny }) => !isDeny).length;
	const closed = allows === 0 ? "" : "; what no allow rule matches is refused";
	return `${count(allows, "allow rule")}, ${count(rules.length - allows, "deny rule")}${closed}`;
}

function reasonText({ comment }: FileRule): string {
	return comment === undefined ? "" : `: ${escaped(comment)}`;
}

function ruleFields({
	name,
	isDeny,
	isSupplemental,
	isExpired,
	match,
	expires,
	owner,
	comment,
	message,
	url,
}: FileRule) {
	return {
		name,
		[isDeny ? "deny" : "allow"]: match,
		supplemental: isSupplemental,
		expired: isExpired,
		expires,
		owner,
		comment,
		message,
		url,
	};
}

interface RuleFinding {
	readonly rule: string;
	/** A phrase that follows the name of the rule. */
	readonly finding: string;
}

function findingsOf(rule: FileRule, rules: readonly FileRule[], now: number): RuleFinding[] {
	const findings = [endOf(rule, now), repeatOf(rule, rules), subjectOf(rule), pathOf(rule)];
	return findings.flatMap((finding) => (finding === undefined ? [] : [{ rule: rule.name, finding }]));
}

/** A rule that ends within so many days is reported. */
const NOTICE_DAYS = 30;

function endOf({ isExpired, isDeny, expires }: FileRule, now: number): string | undefined {
	if (expires === undefined) return undefined;
	if (isExpired && isDeny) return `expired on ${expires}, and still refuses: renew or remove it`;
	if (isExpired) return `expired on ${expires}, and allows nothing: renew or remove it`;
	const soon = new Date(now + NOTICE_DAYS * 86_400_000).toISOString();
	return soon.slice(0, expires.length) > expires ? `ends on ${expires}` : undefined;
}

/** An earlier rule with the same match makes a rule superfluous, or useless if the other one denies. */
function repeatOf(rule: FileRule, rules: readonly FileRule[]): string | undefined {
	const same = rules.filter((each) => each !== rule && JSON.stringify(each.match) === JSON.stringify(rule.match));
	const denying = same.find(({ isDeny }) => isDeny);
	if (!rule.isDeny && denying !== undefined) return `allows nothing, because ${denying.name} denies the same files`;
	const equal = same.find((each) => each.isDeny === rule.isDeny && each.isSupplemental === rule.isSupplemental);
	return equal !== undefined && rules.indexOf(equal) < rules.indexOf(rule)
		? `matches what ${equal.name} matches`
		: undefined;
}

/** A subject in another spelling than that of sigtool matches no signer. */
function subjectOf({ match: { signer } }: FileRule): string | undefined {
	const subject = signer?.subject;
	if (subject === undefined) return undefined;
	const usual = normalizeNameText(subject);
	if (usual === subject) return undefined;
	return usual === undefined
		? `matches nobody: ${quote(subject)} is no subject of a certificate`
		: `matches nobody: write the subject as ${quote(usual)}`;
}

/**
 * Reports a name in a decomposed form. Names are compared byte by byte, so it differs from the composed form of the same
 * letters, which most files have.
 */
function pathOf({ match: { path, name } }: FileRule): string | undefined {
	const strange = [path, name].find((text) => text !== undefined && text.normalize("NFC") !== text);
	return strange === undefined ? undefined : `has letters in a decomposed form (NFD): it matches only files named so`;
}
