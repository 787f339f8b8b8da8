/** Defines verdicts about files, and makes the text of a verdict. */

import { quote } from "@sigtool/core/internal/read";
import type { FieldValue } from "../audit/events.js";

/** The reason why a file is not trusted: a code of docs/reference/errors.md. */
export type Reason =
	| "ERR_OUTSIDE_PRODUCTS"
	| "ERR_FILE_ADDED"
	| "ERR_FILE_MODIFIED"
	| "ERR_UNSIGNED_BYTES"
	| "ERR_FILE_TYPE"
	| "ERR_LINK_CHANGED"
	| "ERR_LIMIT"
	| "ERR_FILE_OWNER"
	| "ERR_FILE_WRITABLE"
	| "ERR_NOT_EXECUTABLE"
	| "ERR_DENIED"
	| "ERR_POLICY_RULE"
	| "ERR_INDEX_EXPIRED"
	| "ERR_CERTIFICATE_EXPIRED";

/**
 * Names the rule that decided. `entry` looks the file up in the index, and `deny` in the deny list. `product` requires a
 * path inside a product, and `link` requires signed links on that path. `files` limits type, size, owner and mode. `kernel` asks the
 * kernel. `time` checks the expiry of the index and of its signer's certificate. `rules[…]` is a rule of the policy, by its
 * label or place, and `rules` means that no allow rule of the policy matches.
 */
export type Rule = "entry" | "deny" | "product" | "link" | "files" | "kernel" | "time" | "rules" | `rules[${string}]`;

export type Verdict = TrustedVerdict | UntrustedVerdict;

export interface TrustedVerdict {
	readonly trusted: true;
	readonly product: string;
	/** The relative path below the product's root. */
	readonly entry: string;
	/** The SHA-256 of the bytes, in lower-case hexadecimal. */
	readonly sha256: string;
	/** `entry`, or the allow rule of the policy that matched. */
	readonly rule: "entry" | `rules[${string}]`;
}

export interface UntrustedVerdict {
	readonly trusted: false;
	readonly reason: Reason;
	readonly product: string | undefined;
	readonly entry: string | undefined;
	/** The SHA-256 of the bytes, in lower-case hexadecimal. Undefined if the file was refused before it was read. */
	readonly sha256: string | undefined;
	/** The digest that was signed for this entry. */
	readonly expected: string | undefined;
	readonly rule: Rule;
	/** The reason that the deny list gives, or the message of the policy's rule. */
	readonly denial: string | undefined;
	/** The owner and the mode of the file, if one of them is the reason, such as `owner 1000, mode 0664`. */
	readonly detail: string | undefined;
	/** A phrase that says what is wrong. */
	readonly why: string;
	/** A phrase that says what to do about it. */
	readonly mend: string;
}

/** Makes an untrusted verdict for a reason. `facts` overrides the default of each member that it contains. */
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
		denial: undefined,
		detail: undefined,
		rule,
		why,
		mend,
		...facts,
	};
}

const REASONS: Readonly<Record<Reason, { readonly rule: Rule; readonly why: string; readonly mend: string }>> = {
	ERR_OUTSIDE_PRODUCTS: {
		rule: "product",
		why: "it is in no directory of a trusted product",
		mend: "move it into the product, then sign and compile again; or bind its product to that directory in the host configuration",
	},
	ERR_FILE_ADDED: {
		rule: "entry",
		why: "no signature covers it",
		mend: "remove it, or sign the tree with it and compile the index again",
	},
	ERR_FILE_MODIFIED: {
		rule: "entry",
		why: "it was modified",
		mend: "restore the signed file, or sign the tree and compile the index again",
	},
	ERR_UNSIGNED_BYTES: {
		rule: "entry",
		why: "its catalog has an Authenticode digest alone, which leaves out bytes that can be code",
		mend: "sign the tree with sigtool, which signs the whole file too, or compile a trust index",
	},
	ERR_FILE_TYPE: { rule: "files", why: "it is not a regular file", mend: "put a regular file there" },
	ERR_LINK_CHANGED: {
		rule: "link",
		why: "a symbolic link on its path is not as signed",
		mend: "restore the signed link, or sign the tree and compile the index again",
	},
	ERR_LIMIT: {
		rule: "files",
		why: "it is larger than the policy allows",
		mend: "if it must be that large, raise files.maxSizeBytes in the policy, which can allow up to 2147483647",
	},
	ERR_FILE_OWNER: {
		rule: "files",
		why: "root does not own it, and the policy demands that",
		mend: "make root its owner, or set files.owner to any in the policy",
	},
	ERR_FILE_WRITABLE: {
		rule: "files",
		why: "its mode lets its group or others write it, and the policy refuses that",
		mend: "take the right to write from its group and others, or set files.othersWrite to allow in the policy",
	},
	ERR_NOT_EXECUTABLE: {
		rule: "kernel",
		why: "the kernel would not execute it",
		mend: "move it to a mount without noexec, and close it in every process that has it open for writing",
	},
	ERR_DENIED: { rule: "deny", why: "the deny list names it", mend: "install a release without it" },
	ERR_POLICY_RULE: {
		rule: "rules",
		why: "a rule of the policy refuses it",
		mend: "`policy explain` says which rule, and what would change it",
	},
	ERR_INDEX_EXPIRED: {
		rule: "time",
		why: "the trust index has expired",
		mend: "compile and install a new index",
	},
	ERR_CERTIFICATE_EXPIRED: {
		rule: "time",
		why: "the certificate of the trust index's signer has expired",
		mend: "renew it, then compile and install a new index, with a timestamp if it is to outlive the certificate",
	},
};

/** Returns, for each reason why a file is not trusted, the way to mend that. */
export function mendsOfFiles(): Readonly<Record<Reason, string>> {
	// The type assertion is safe: the object has a member for each reason.
	return Object.fromEntries(Object.entries(REASONS).map(([reason, { mend }]) => [reason, mend])) as Record<
		Reason,
		string
	>;
}

/** Returns the fields of the verdict's event. */
export function verdictDetail(verdict: Verdict): Readonly<Record<string, FieldValue>> {
	const { sha256, product, entry, rule } = verdict;
	const common = { sha256, product, entry, rule };
	if (verdict.trusted) return common;
	return {
		...common,
		expected: verdict.expected,
		reason: verdict.reason,
		denial: verdict.denial,
		detail: verdict.detail,
	};
}

/**
 * Returns a verdict as text, such as `it was modified (ERR_FILE_MODIFIED; rule entry, product "app", entry "a.js",
 * found …, signed …); restore …`.
 */
export function explain(verdict: UntrustedVerdict): string {
	const { product, entry, sha256, expected } = verdict;
	let facts = `rule ${verdict.rule}`;
	if (product !== undefined) facts += `, product ${quote(product)}`;
	if (entry !== undefined) facts += `, entry ${quote(entry)}`;
	if (sha256 !== undefined) facts += `, found ${sha256}`;
	if (expected !== undefined) facts += `, signed ${expected}`;
	return `${verdict.why} (${verdict.reason}; ${facts}); ${verdict.mend}`;
}
