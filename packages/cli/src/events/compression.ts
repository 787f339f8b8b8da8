/** Tells compressed files by their first bytes. */

/** Returns the program that prints the content of a file which begins with `head`. Undefined if it is not compressed. */
export function decompressorOf(head: Buffer): string | undefined {
	return DECOMPRESSORS.find(([magic]) => head.toString("latin1", 0, magic.length) === magic)?.[1];
}

/** The first bytes of compressed files, and the programs that print their content. */
const DECOMPRESSORS = [
	["\x1f\x8b", "zcat"],
	["BZh", "bzcat"],
	["\xfd7zXZ", "xzcat"],
	["\x28\xb5\x2f\xfd", "zstdcat"],
] as const;

/** This many bytes tell every compression. */
export const LONGEST_MAGIC = 5;
