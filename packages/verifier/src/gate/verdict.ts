/** What was decided of a file, and how to say it. */

import type { FieldValue } from "../audit/events.js";

/** Why a file is not trusted; the codes of docs/errors.md. */
export type Reason =
	| "ERR_OUTSIDE_PRODUCTS"
	| "ERR_FILE_ADDED"
	| "ERR_FILE_MODIFIED"
	| "ERR_FILE_TYPE"
	| "ERR_LINK_CHANGED"
	| "ERR_LIMIT"
	| "ERR_NOT_EXECUTABLE"
	| "ERR_DENIED"
	| "ERR_INDEX_EXPIRED";

/** What decided: an entry of the index, the deny list, the tree's bounds, its links, a limit, the kernel, or time. */
export type Rule = "entry" | "deny" | "product" | "link" | "files" | "kernel" | "time";

export type Verdict = TrustedVerdict | UntrustedVerdict;

export interface TrustedVerdict {
	readonly trusted: true;
	readonly product: string;
	/** Path below the product's root. */
	readonly entry: string;
	/** Lowercase hexadecimal SHA-256 of the bytes. */
	readonly sha256: string;
	readonly rule: "entry";
}

export interface UntrustedVerdict {
	readonly trusted: false;
	readonly reason: Reason;
	readonly product: string | undefined;
	readonly entry: string | undefined;
	/** Undefined when the file was refused before it was read. */
	readonly sha256: string | undefined;
	/** What was signed under that name. */
	readonly expected: string | undefined;
	readonly rule: Rule;
	/** What is wrong, and what mends it: a phrase each. */
	readonly why: string;
	readonly mend: string;
}

/** An untrusted verdict, by its reason; `facts` as far as they are known. */
export function untrusted(
	reason: Reason,
	facts: Partial<Omit<UntrustedVerdict, "trusted" | "reason">> = {},
): UntrustedVerdict {
	const { rule, why, mend } = REASONS[reason];
	return {
		trusted: false,
		reason,
		product: undefined,
		entry: undefined,
		sha256: undefined,
		expected: undefined,
		rule,
		why,
		mend,
		...facts,
	};
}

const REASONS: Readonly<Record<Reason, { readonly rule: Rule; readonly why: string; readonly mend: string }>> = {
	ERR_OUTSIDE_PRODUCTS: {
		rule: "product",
		why: "it lies in no directory of a trusted product",
		mend: "move it into the product, sign and compile, or bind its product to that directory in the host configuration",
	},
	ERR_FILE_ADDED: {
		rule: "entry",
		why: "no signature covers it",
		mend: "sign the tree with it and compile the index again, or remove it",
	},
	ERR_FILE_MODIFIED: {
		rule: "entry",
		why: "it was modified",
		mend: "put back the signed file, or sign the tree and compile the index again",
	},
	ERR_FILE_TYPE: { rule: "files", why: "it is not a regular file", mend: "put a regular file there" },
	ERR_LINK_CHANGED: {
		rule: "link",
		why: "a link on the way to it is not as it was signed",
		mend: "put back the signed link, or sign the tree and compile the index again",
	},
	ERR_LIMIT: {
		rule: "files",
		why: "it is larger than the policy allows",
		mend: "raise files.maxSizeBytes in the policy, if it must be that large",
	},
	ERR_NOT_EXECUTABLE: {
		rule: "kernel",
		why: "the kernel would not execute it",
		mend: "move it to a mount that is not noexec, and let no process keep it open for writing",
	},
	ERR_DENIED: { rule: "deny", why: "the deny list names it", mend: "install a release without it" },
	ERR_INDEX_EXPIRED: {
		rule: "time",
		why: "the trust index has expired",
		mend: "compile and install a new index",
	},
};

/** The fields of a verdict's event. */
export function verdictDetail(verdict: Verdict): Readonly<Record<string, FieldValue>> {
	const { sha256, product, entry, rule } = verdict;
	const common = { sha256, product, entry, rule };
	return verdict.trusted ? common : { ...common, expected: verdict.expected, reason: verdict.reason };
}

/** `it was modified (ERR_FILE_MODIFIED): product "app", entry "a.js", found …, signed …; put back …` */
export function explain(verdict: UntrustedVerdict, quote: (text: string) => string): string {
	const { product, entry, sha256, expected } = verdict;
	let facts = `rule ${verdict.rule}`;
	if (product !== undefined) facts += `, product ${quote(product)}`;
	if (entry !== undefined) facts += `, entry ${quote(entry)}`;
	if (sha256 !== undefined) facts += `, found ${sha256}`;
	if (expected !== undefined) facts += `, signed ${expected}`;
	return `${verdict.why} (${verdict.reason}; ${facts}); ${verdict.mend}`;
}
