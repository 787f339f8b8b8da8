/** Reads digests that a command takes in place of a file. */

import { existsSync } from "node:fs";
import { quote } from "@sigtool/core/internal/errors";
import { usageError } from "./usage.js";

/**
 * Returns the digest in lower case if the text is a SHA-256 in hexadecimal, with or without `sha256:` before it. Returns
 * undefined for any other text, which may be the name of a file.
 */
export function digestOf(text: string): string | undefined {
	return /^(?:sha256:)?([0-9a-f]{64})$/i.exec(text)?.[1]?.toLowerCase();
}

/** Does what `digestOf` does, and refuses hexadecimal digits of another number that are not the name of a file. @throws ERR_USAGE */
export function digestOrFile(text: string): string | undefined {
	const digits = /^(?:sha256:)?([0-9a-f]+)$/i.exec(text)?.[1];
	if (digits !== undefined && digits.length !== 64 && !existsSync(text)) {
		throw usageError(
			`Cannot read ${quote(text)}: no such file; a SHA-256 has 64 hexadecimal digits, not ${digits.length}`,
		);
	}
	return digestOf(text);
}
