/**
 * Reads files by the fast path: one call of the native addon opens, checks, reads and hashes a file. The fast path has
 * a result only for a file that is exactly as signed. Every other file takes the full path (open-code.ts), which judges
 * the file again and words the refusal.
 */

import { Bytes, hexSlice } from "../safe/primordials.js";
import type { KernelAddon } from "./kernel-check.js";
import { type OpenRules, sizeToTell } from "./open-code.js";
import type { TrustedVerdict } from "./verdict.js";

export type ReadRegularFile = NonNullable<KernelAddon["readRegularFile"]>;
export type ReadPackageType = NonNullable<KernelAddon["readPackageType"]>;

export interface FastRead<Content> {
	/**
	 * The file's text, whose UTF-8 is exactly the hashed bytes. If `fastTypeReader` read a package.json, the content is
	 * only the `type`, which the addon found in the hashed bytes.
	 */
	readonly content: Content;
	readonly verdict: TrustedVerdict;
}

/**
 * Returns a function that reads a file at a real path. The function returns undefined if the caller has to take the
 * full path.
 */
export function fastReader<Content>(
	rules: OpenRules,
	read: (path: string, maxBytes: number, facts: Uint8Array) => Content | undefined,
): (path: string) => FastRead<Content> | undefined {
	const { judge, kernel, ownerAndMode } = rules;
	const maxBytes = sizeToTell(rules);
	const demanded =
		(ownerAndMode.owner === "root" ? ROOT_OWNS : 0) | (ownerAndMode.othersWrite === "refuse" ? OWNER_ALONE_WRITES : 0);
	const facts = new Bytes(ANSWERS + 1);
	return (path) => {
		const content = read(path, maxBytes, facts);
		const answers = facts[ANSWERS] ?? 0;
		if (content === undefined || !kernel.admits((answers & EXECUTABLE) !== 0)) return undefined;
		if ((answers & demanded) !== demanded) return undefined;
		const verdict = judge.trustedAs(path, hexSlice(facts, 0, ANSWERS));
		if (verdict === undefined) return undefined;
		return { content, verdict };
	};
}

/**
 * Returns a function that reads only the `type` of a package.json at a real path. The function returns "absent" if the
 * file does not exist, and undefined if the caller has to take the full path.
 */
export function fastTypeReader(
	rules: OpenRules,
	read: ReadPackageType,
): (path: string) => FastRead<PackageJsonType> | "absent" | undefined {
	let isAbsent = false;
	const readType = fastReader(rules, (path, maxBytes, facts) => {
		const type = read(path, maxBytes, facts);
		isAbsent = type === ABSENT;
		return type === undefined || isAbsent ? undefined : TYPES[type];
	});
	return (path) => readType(path) ?? (isAbsent ? "absent" : undefined);
}

export type PackageJsonType = "none" | "commonjs" | "module";
const TYPES: readonly PackageJsonType[] = ["none", "commonjs", "module"];
const ABSENT = -1;

/** The index of the byte in `facts` whose bits answer questions about the file. The digest of 32 bytes precedes it. */
const ANSWERS = 32;
// A bit that the addon does not know is 0, so the full path then answers the question.
const EXECUTABLE = 1;
const ROOT_OWNS = 2;
const OWNER_ALONE_WRITES = 4;
