import type { IndexContentView, Policy } from "@sigtool/core";
import { described, type FileRule, fileRulesOf, ruleOn } from "@sigtool/core/internal";
import { usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";
import { count } from "../../output/render.js";
import { indexIn, policyIn } from "../../policy/policy-files.js";

export interface PolicyDiffOptions extends OutputOptions {
	readonly index?: string;
}

/** Compares two policies. Exit status 1 means that they differ. @throws ERR_POLICY, ERR_IO, ERR_USAGE */
export async function policyDiff(before: string, after: string, options: PolicyDiffOptions): Promise<Report> {
	const [old, young] = [policyIn(before), policyIn(after)] as const;
	const index = options.index === undefined ? undefined : indexIn(options.index);
	const members = changedMembers(old, young);
	const rules = changedRules(old, young);
	const files = index === undefined ? undefined : changedFiles(old, young, index);
	const isSame = members.length === 0 && rules.removed.length === 0 && rules.added.length === 0;
	return {
		exit: isSame ? 0 : 1,
		fields: { before, after, members, rules, files },
		lines: [
			...(isSame ? ["the policies are equal"] : []),
			...members.map(({ member, before: was, after: is }) => `${member}: ${text(was)} → ${text(is)}`),
			...rules.removed.map((rule) => `- ${escaped(rule)}`),
			...rules.added.map((rule) => `+ ${escaped(rule)}`),
			...(files === undefined ? [] : fileLines(files)),
		],
	};
}

function text(value: unknown): string {
	return value === undefined ? "absent" : escaped(JSON.stringify(value));
}

interface ChangedMember {
	readonly member: string;
	readonly before: unknown;
	readonly after: unknown;
}

/** Returns the members, except `rules`, that differ. */
export function changedMembers(before: object, after: object, prefix = ""): ChangedMember[] {
	const names = new Set([...Object.keys(before), ...Object.keys(after)]);
	return [...names].flatMap((name): ChangedMember[] => {
		// The type assertions are safe: both are objects of a policy.
		const [was, is] = [(before as Record<string, unknown>)[name], (after as Record<string, unknown>)[name]];
		const member = `${prefix}${name}`;
		if (member === "rules" || JSON.stringify(was) === JSON.stringify(is)) return [];
		if (isGroup(was) && isGroup(is)) return changedMembers(was, is, `${member}.`);
		return [{ member, before: was, after: is }];
	});
}

function isGroup(value: unknown): value is object {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Compares rules by what they say, and not by their places. */
function changedRules(before: Policy, after: Policy): { readonly removed: string[]; readonly added: string[] } {
	const [old, young] = [rulesIn(before), rulesIn(after)] as const;
	const without = (some: readonly FileRule[], others: readonly FileRule[]) => {
		const known = new Set(others.map(content));
		return some.filter((rule) => !known.has(content(rule))).map(described);
	};
	return { removed: without(old, young), added: without(young, old) };
}

function rulesIn(policy: Policy): readonly FileRule[] {
	return fileRulesOf(policy, Date.now())?.list ?? [];
}

function content({ name, rank: _, isExpired: __, ...rule }: FileRule): string {
	return JSON.stringify({ ...rule, label: /^rules\[\d+\]$/.test(name) ? undefined : name });
}

interface ChangedFile {
	readonly product: string;
	readonly path: string;
	readonly allowed: boolean;
	readonly why: string;
}

/** Returns the signed files about which the policies decide differently. */
function changedFiles(before: Policy, after: Policy, index: IndexContentView): ChangedFile[] {
	const now = Date.now();
	const [old, young] = [before, after].map((policy) => ({ policy, rules: fileRulesOf(policy, now) }));
	if (old === undefined || young === undefined) return [];
	if ([old, young].some(({ rules }) => rules?.namesSigner === true)) requireSigners(index);
	const decide = ({ policy: { products }, rules }: typeof old, name: string, path: string, sha256: string) => {
		const signers = index.products.find((product) => product.name === name)?.signers ?? [];
		if (products.length > 0 && !products.includes(name))
			return { isAllowed: false, why: "the policy does not name its product" };
		return rules === undefined ? { isAllowed: true, why: "" } : ruleOn(rules, { product: name, path, sha256, signers });
	};
	return index.products.flatMap(({ name }) =>
		[...index.entries(name)].flatMap(([path, entry]): ChangedFile[] => {
			if (entry.kind !== "file") return [];
			const [was, is] = [decide(old, name, path, entry.sha256), decide(young, name, path, entry.sha256)];
			if (was.isAllowed === is.isAllowed) return [];
			return [{ product: name, path, allowed: is.isAllowed, why: is.isAllowed ? was.why : is.why }];
		}),
	);
}

/** @throws ERR_USAGE */
function requireSigners({ products }: IndexContentView): void {
	const nameless = products.find(({ adopted, signers }) => adopted !== true && signers === undefined);
	if (nameless === undefined) return;
	throw usageError(
		`Cannot decide about files: a rule names a signer, and the index does not name those of product "${escaped(nameless.name)}"; compile it with a policy that has rules`,
	);
}

const MAX_SHOWN = 50;

function fileLines(files: readonly ChangedFile[]): string[] {
	const lines = files.slice(0, MAX_SHOWN).map(({ product, path, allowed, why }) => {
		return `${allowed ? "now allowed" : "now refused"}: ${escaped(product)}: ${escaped(path)}${allowed ? "" : `: ${escaped(why)}`}`;
	});
	const rest = files.length - MAX_SHOWN;
	const more = rest > 0 ? [`and ${rest} more; --json lists them`] : [];
	return [
		...lines,
		...more,
		`${files.length === 0 ? "no signed file is" : `${count(files.length, "signed file")} ${files.length === 1 ? "is" : "are"}`} decided differently`,
	];
}
