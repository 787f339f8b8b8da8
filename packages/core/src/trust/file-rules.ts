/**
 * Decides by the rules of a policy whether a signed file may be loaded. packages/verifier/native/shared/settings/file-rules.c decides
 * alike, and both are tested with the same vectors. docs/reference/policy.md explains the rules.
 *
 * Guarantees that rules only narrow: a file that no signature covers is not brought here, and an added rule that is
 * supplemental never lets a file pass that did not pass before.
 *
 * `fileRulesOf` runs when a process starts. `ruleOn` runs while the verifier guards a program, which can replace the
 * methods of every built-in prototype. So it calls no method, also not by loops over lists.
 */

import { hasFileName, isEntryPath, matchesGlob } from "./glob.js";
import type { Policy } from "./policy.js";

export type PolicyFileRule = NonNullable<Policy["rules"]>[number];
export type RuleMatch = NonNullable<PolicyFileRule["allow"]>;

/** A signer of a product's catalogs. */
export interface ProductSigner {
	/** The SHA-256 of its SubjectPublicKeyInfo in lower-case hexadecimal. */
	readonly key: string;
	/** The subject of its certificate. Undefined if no authority vouches for it. */
	readonly subject: string | undefined;
	/** The SHA-256 of the SubjectPublicKeyInfo of each authority of its chain. */
	readonly authorities: readonly string[];
}

/** A file that a signature covers, or an attribute that the policy accepts. */
export interface RuledFile {
	/** The product. Undefined for a file outside of all products, which only an attribute can vouch for. */
	readonly product: string | undefined;
	/** The path below the product's root, else the real path. */
	readonly path: string;
	/** The SHA-256 in lower-case hexadecimal. */
	readonly sha256: string;
	/** The signers of the product. It is empty for an adopted product, and without one. */
	readonly signers: readonly ProductSigner[];
}

/** A rule in the form in which it is applied. */
export interface FileRule {
	readonly isDeny: boolean;
	readonly isSupplemental: boolean;
	readonly isExpired: boolean;
	readonly match: RuleMatch;
	/** The name in events: `rules[LABEL]`, or `rules[0]` with the place of the rule in the policy. */
	readonly name: string;
	/** The rule with the highest rank is named, if several match. */
	readonly rank: number;
	readonly expires: string | undefined;
	readonly message: string | undefined;
	readonly url: string | undefined;
	readonly owner: string | undefined;
	readonly comment: string | undefined;
}

export interface FileRules {
	readonly list: readonly FileRule[];
	/** True if there are allow rules of the base policy, even expired ones. A file must match one of them. */
	readonly isBaseClosed: boolean;
	/** The same for supplemental policies. */
	readonly isSupplementClosed: boolean;
	/** True if a rule names a signer, so that the index must have the signers of its products. */
	readonly namesSigner: boolean;
}

export interface FileRuling {
	readonly isAllowed: boolean;
	/** The rule that decides. Undefined if the policy has no allow rule and no deny rule matches, or if no allow rule matches. */
	readonly by: FileRule | undefined;
	/** The name for events. Undefined only if the file is allowed because no rule speaks of it. */
	readonly rule: string | undefined;
	/** A phrase that says why the file is refused. Empty if it is allowed. */
	readonly why: string;
}

/**
 * Prepares rules for a process that starts at `at`, in milliseconds since the epoch. A rule that ends later stays in force
 * until the process ends. Returns undefined if the policy has no rules.
 */
export function fileRulesOf({ rules }: Policy, at: number): FileRules | undefined {
	if (rules === undefined || rules.length === 0) return undefined;
	const now = new Date(at).toISOString();
	const list = rules.map((rule, place): FileRule => {
		const match = rule.allow ?? rule.deny ?? NOTHING;
		const { label, expires, message, url, owner, comment } = rule;
		return Object.freeze({
			isDeny: rule.deny !== undefined,
			isSupplemental: rule.supplemental === true,
			isExpired: expires !== undefined && isAfter(now, expires.replace("Z", "")),
			match,
			name: `rules[${label ?? place}]`,
			rank: rankOf(match),
			expires,
			message,
			url,
			owner,
			comment,
		});
	});
	const allows = list.filter(({ isDeny }) => !isDeny);
	return {
		list,
		isBaseClosed: allows.some(({ isSupplemental }) => !isSupplemental),
		isSupplementClosed: allows.some(({ isSupplemental }) => isSupplemental),
		namesSigner: list.some(({ match }) => match.signer !== undefined),
	};
}

/** Compares as many characters as the end has. So a day ends when the next one begins. */
function isAfter(now: string, end: string): boolean {
	return now.slice(0, end.length) > end;
}

/**
 * Ranks by what matches the fewest files: a digest, then a path without stars, then a glob by the bytes that are no stars,
 * then a name, a product, and a signer. The first of these in which two rules differ decides.
 */
function rankOf({ sha256, path, name, product, signer }: RuleMatch): number {
	const isFixed = path !== undefined && !path.includes("*");
	const ofPath = path === undefined ? 0 : isFixed ? FIXED_PATH : 1 + Buffer.byteLength(path.replaceAll("*", ""));
	const ofName = (name === undefined ? 0 : 4) + (product === undefined ? 0 : 2) + (signer === undefined ? 0 : 1);
	return (sha256 === undefined ? 0 : FIXED_PATH * 16) + ofPath * 8 + ofName;
}

/** The part of the rank for a path without stars, which is above that of every glob. A policy has at most 64 KiB. */
const FIXED_PATH = 2 ** 20;
const NOTHING: RuleMatch = {
	signer: undefined,
	product: undefined,
	path: undefined,
	sha256: undefined,
	name: undefined,
};

/**
 * Rules on a file that is trusted by everything else. A deny rule that matches refuses, also an expired one. Without one
 * the file must match an allow rule of the base policy if there are any, and one of the supplemental policies if there are
 * any. An expired allow rule matches nothing.
 */
export function ruleOn(rules: FileRules, file: RuledFile): FileRuling {
	if (hasStrangePath(file)) return STRANGE_PATH;
	const { list } = rules;
	let denying: FileRule | undefined;
	let allowing: FileRule | undefined;
	let ended: FileRule | undefined;
	let isInBase = !rules.isBaseClosed;
	let isInSupplement = !rules.isSupplementClosed;
	for (let i = 0; i < list.length; i++) {
		const rule = list[i];
		if (!matches(rule, file)) continue;
		if (rule.isDeny) {
			denying = higher(denying, rule);
		} else if (rule.isExpired) {
			ended = higher(ended, rule);
		} else {
			allowing = higher(allowing, rule);
			if (rule.isSupplemental) isInSupplement = true;
			else isInBase = true;
		}
	}
	if (denying !== undefined) return { isAllowed: false, by: denying, rule: denying.name, why: whyDenied(denying) };
	if (isInBase && isInSupplement) return { isAllowed: true, by: allowing, rule: allowing?.name, why: "" };
	const whose = isInBase ? "the supplemental policies" : "the policy";
	const but = ended === undefined ? "" : `; ${ended.name} would, but it expired on ${ended.expires}`;
	return { isAllowed: false, by: undefined, rule: "rules", why: `no allow rule of ${whose} matches it${but}` };
}

/** Tells whether the path is one that the kernel never returns. No rule can be applied to such a path. */
export function hasStrangePath({ product, path }: RuledFile): boolean {
	return !isEntryPath(path, product === undefined && path[0] === "/" ? 1 : 0);
}

const STRANGE_PATH: FileRuling = {
	isAllowed: false,
	by: undefined,
	rule: "rules",
	why: "its path is not one that the kernel returns, so no rule is applied to it",
};

function whyDenied({ name, isExpired, expires }: FileRule): string {
	return isExpired
		? `${name} of the policy denies it, and still does although it expired on ${expires}`
		: `${name} of the policy denies it`;
}

function higher(best: FileRule | undefined, rule: FileRule): FileRule {
	return best === undefined || rule.rank > best.rank ? rule : best;
}

/**
 * Tells whether all members of a rule match. A product can have several signers, and the index does not say which of them
 * signed a file. So a deny rule needs one of them to match, and an allow rule needs all.
 */
export function matches({ match, isDeny }: FileRule, file: RuledFile): boolean {
	const { sha256, path, name, product, signer } = match;
	if (sha256 !== undefined && sha256 !== file.sha256) return false;
	if (product !== undefined && product !== file.product) return false;
	if (name !== undefined && !hasFileName(file.path, name)) return false;
	if (path !== undefined && (file.product === undefined || !matchesGlob(path, file.path))) return false;
	return signer === undefined || matchesSigners(signer, file.signers, isDeny);
}

function matchesSigners(
	{ key, authority, subject }: NonNullable<RuleMatch["signer"]>,
	signers: readonly ProductSigner[],
	isOneEnough: boolean,
): boolean {
	let count = 0;
	for (let i = 0; i < signers.length; i++) {
		const signer = signers[i];
		const isSame =
			key !== undefined
				? signer.key === key
				: signer.subject !== undefined && signer.subject === subject && has(signer.authorities, authority);
		if (isSame) count++;
	}
	return isOneEnough ? count > 0 : count > 0 && count === signers.length;
}

function has(list: readonly string[], sought: string | undefined): boolean {
	for (let i = 0; i < list.length; i++) if (list[i] === sought) return true;
	return false;
}
