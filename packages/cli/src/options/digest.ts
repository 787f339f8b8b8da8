/** Reads digests that a command takes in place of a file. */

/**
 * Returns the digest in lower case if the text is a SHA-256 in hexadecimal, with or without `sha256:` before it. Returns
 * undefined for any other text, which may be the name of a file.
 */
export function digestOf(text: string): string | undefined {
	return /^(?:sha256:)?([0-9a-f]{64})$/i.exec(text)?.[1]?.toLowerCase();
}
