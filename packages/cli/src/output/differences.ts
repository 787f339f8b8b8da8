/** The kinds of differences that `sigtool diff` finds, in the order in which it lists them. */
export const DIFFERENCES = {
	product: "The catalogs are of different products.",
	sequence: "The catalogs have different sequences.",
	signer: "The catalogs have different signers.",
	rules: "The catalogs have different rules about what they cover and how it is compared.",
	modified: "A file has another content.",
	removed: "A file or link is in the first one alone.",
	added: "A file or link is in the second one alone.",
	type: "A file became a link, or a link a file.",
	target: "A symbolic link leads elsewhere.",
	mode: "A file has other permissions.",
	carried: "The catalog carries other extended attributes for a file.",
} as const;

export type DifferenceKind = keyof typeof DIFFERENCES;

export function isDifference(kind: string): kind is DifferenceKind {
	return Object.hasOwn(DIFFERENCES, kind);
}
