/**
 * Counts the different keys that signed each entry. There are several if several signers have each signed a catalog of
 * the same tree.
 */

import { quote, SigtoolError } from "../errors.js";
import type { Finding, SignedSet } from "../fileset/compare/compare.js";
import type { UsedCatalog } from "./used-catalog.js";

/**
 * Counts the different keys that signed the catalogs. @throws ERR_TOO_FEW_SIGNERS if there are fewer than `required`
 */
export function requireSigners(catalogs: readonly UsedCatalog[], required: number): void {
	const count = new Set(catalogs.map(keyOf)).size;
	if (count >= required) return;
	const [{ file }] = catalogs;
	const message = `Cannot trust ${quote(file)}: ${keys(count)} signed, ${required} are required; name the other catalogs with --catalog`;
	throw new SigtoolError("ERR_TOO_FEW_SIGNERS", message, { path: file });
}

/**
 * Returns a finding for each entry that fewer than `required` keys signed. The keys are counted for each entry, so that
 * a file that only one signer added does not count as signed by all. `sets[i]` has the entries of `catalogs[i]`.
 */
export function entriesShortOfSigners(
	sets: readonly SignedSet[],
	catalogs: readonly UsedCatalog[],
	required: number,
): Finding[] {
	if (required === 1) return [];
	const signers = new Map<string, Set<string>>();
	for (const [number, { files, links }] of sets.entries()) {
		for (const path of [...files.keys(), ...links.keys()]) {
			const known = signers.get(path) ?? new Set();
			signers.set(path, known.add(keyOf(catalogs[number])));
		}
	}
	const short = [...signers].filter(([, { size }]) => size < required);
	return short.map(([path, { size }]) => {
		const message = `${quote(path)}: ${keys(size)} signed it, ${required} are required`;
		return { code: "ERR_TOO_FEW_SIGNERS", path, message };
	});
}

function keyOf({ signer }: UsedCatalog): string {
	return signer.spkiSha256;
}

function keys(count: number): string {
	return count === 1 ? "1 key" : `${count} keys`;
}
