/**
 * The short way to most files: one call of the native addon, in which a file is opened, questioned, read and digested. It
 * knows only one answer, that the file is as it was signed; every other file is opened the long way (open-code.ts),
 * which finds and says what is wrong, or that nothing is.
 */

import { Bytes, hexSlice } from "../safe/primordials.js";
import type { KernelAddon } from "./kernel-check.js";
import type { OpenRules } from "./open-code.js";
import type { TrustedVerdict } from "./verdict.js";

export type ReadPlainFile = NonNullable<KernelAddon["readPlainFile"]>;
export type ReadPackageType = NonNullable<KernelAddon["readPackageType"]>;

/** Of exactly what was hashed: its text, of which UTF-8 can be turned into the same bytes again, or what the addon found in it. */
export interface PlainCode<Content> {
	readonly content: Content;
	readonly verdict: TrustedVerdict;
}

/** Its path is where it lies: a plain file is reached without links. Undefined: ask the long way. */
export function plainFiles<Content>(
	rules: OpenRules,
	read: (path: string, maxBytes: number, facts: Uint8Array) => Content | undefined,
): (path: string) => PlainCode<Content> | undefined {
	const { judge, kernel, maxSizeBytes } = rules;
	const facts = new Bytes(EXECUTABLE + 1);
	return (path) => {
		const content = read(path, maxSizeBytes, facts);
		if (content === undefined || !kernel.admits(facts[EXECUTABLE] === 1)) return undefined;
		const verdict = judge.trustedAs(path, hexSlice(facts, 0, EXECUTABLE));
		if (verdict === undefined) return undefined;
		return { content, verdict };
	};
}

/** The same of a package.json, of which only its `type` is read; "absent" when nothing is at the path. */
export function plainPackages(
	rules: OpenRules,
	read: ReadPackageType,
): (path: string) => PlainCode<PlainType> | "absent" | undefined {
	let isAbsent = false;
	const readType = plainFiles(rules, (path, maxBytes, facts) => {
		const type = read(path, maxBytes, facts);
		isAbsent = type === ABSENT;
		return type === undefined || isAbsent ? undefined : TYPES[type];
	});
	return (path) => readType(path) ?? (isAbsent ? "absent" : undefined);
}

export type PlainType = "none" | "commonjs" | "module";
const TYPES: readonly PlainType[] = ["none", "commonjs", "module"];
const ABSENT = -1;

/** Where in the facts, behind the digest, stands whether the kernel has no objection. */
const EXECUTABLE = 32;
