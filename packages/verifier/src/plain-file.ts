/**
 * The short way to most files: one call of the native addon, in which a file is opened, questioned, read and digested. It
 * knows only one answer, that the file is as it was signed; every other file is opened the long way (open-code.ts),
 * which finds and says what is wrong, or that nothing is.
 */

import type { KernelAddon } from "./kernel-check.js";
import type { OpenRules } from "./open-code.js";
import { Bytes, hexSlice } from "./primordials.js";
import type { TrustedVerdict } from "./verdict.js";

export type ReadPlainFile = NonNullable<KernelAddon["readPlainFile"]>;

export interface PlainCode {
	/** Exactly what was hashed: it is UTF-8, of which the text can be turned into the same bytes again. */
	readonly text: string;
	readonly verdict: TrustedVerdict;
}

/** Its path is where it lies: a plain file is reached without links. Undefined: ask the long way. */
export function plainFiles(rules: OpenRules, read: ReadPlainFile): (path: string) => PlainCode | undefined {
	const { judge, kernel, maxSizeBytes } = rules;
	const facts = new Bytes(NOEXEC + 1);
	return (path) => {
		const text = read(path, maxSizeBytes, facts);
		if (text === undefined || !kernel.admits(facts[ANSWER] ?? 0, facts[NOEXEC] === 1)) return undefined;
		const verdict = judge.trustedAs(path, hexSlice(facts, 0, ANSWER));
		if (verdict === undefined) return undefined;
		return { text, verdict };
	};
}

/** Where in the facts, behind the digest, the answer of `execveCheck` stands, and whether the mount is noexec. */
const ANSWER = 32;
const NOEXEC = 33;
