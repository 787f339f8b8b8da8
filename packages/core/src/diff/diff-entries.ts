/** Compares the entries of two sides, row by row in one pass over both. */

import { quote } from "../errors.js";
import type { SignedFile } from "../fileset/compare/compare.js";
import { hex } from "../fileset/compare/compare.js";
import { isSameContent } from "../fileset/compare/diff.js";
import type { CarriedAttribute } from "../fileset/manifest.js";
import type { Entry, EntryRows } from "./entry-rows.js";

export interface EntryDifference {
	readonly kind: "added" | "removed" | "modified" | "type" | "target" | "mode" | "carried";
	/** The entry path, or the name or digest of a member without a path. */
	readonly path: string;
	/** One line that names the entry and tells what differs. */
	readonly message: string;
	/** The digest in hexadecimal, the link's target, the mode in octal, or the names of attributes, on the first side. */
	readonly before: string | undefined;
	/** The same on the second side. */
	readonly after: string | undefined;
}

export interface EntryComparison {
	/** The bits of modes that count. */
	readonly modeBits: number;
	/** If `ignore`, one side is a tree, whose attributes were not read. */
	readonly carried: "compare" | "ignore";
	/** With `digest`, only the digests are compared. */
	readonly match: "path" | "digest";
}

/** Yields the differences in the order of the keys. Keeps none of them. */
export function* diffEntries(a: EntryRows, b: EntryRows, how: EntryComparison): Generator<EntryDifference> {
	let [rowA, rowB] = [0, 0];
	while (rowA < a.count || rowB < b.count) {
		const order = rowA === a.count ? 1 : rowB === b.count ? -1 : a.compare(rowA, b, rowB);
		if (order < 0) {
			yield alone("removed", a.nameAt(rowA), a.entryAt(rowA), how);
			rowA++;
		} else if (order > 0) {
			yield alone("added", b.nameAt(rowB), b.entryAt(rowB), how);
			rowB++;
		} else {
			if (how.match === "path") yield* differences(a.nameAt(rowA), a.entryAt(rowA), b.entryAt(rowB), how);
			rowA++;
			rowB++;
		}
	}
}

function alone(kind: "added" | "removed", path: string, entry: Entry, { match }: EntryComparison): EntryDifference {
	const value = contentText(entry);
	const what = match === "path" ? quote(path) : `the content of ${quote(path)}`;
	const message = kind === "added" ? `${what} was added` : `${what} was removed`;
	return {
		kind,
		path,
		message,
		before: kind === "added" ? undefined : value,
		after: kind === "added" ? value : undefined,
	};
}

function* differences(path: string, a: Entry, b: Entry, how: EntryComparison): Generator<EntryDifference> {
	const [before, after] = [contentText(a), contentText(b)];
	if ("target" in a && "target" in b) {
		if (a.target === b.target) return;
		const message = `${quote(path)} leads to ${quote(b.target)}, before to ${quote(a.target)}`;
		yield { kind: "target", path, message, before, after };
	} else if ("target" in a) yield { kind: "type", path, message: `${quote(path)} became a file`, before, after };
	else if ("target" in b) yield { kind: "type", path, message: `${quote(path)} became a link`, before, after };
	else yield* fileDifferences(path, a.file, b.file, how);
}

function* fileDifferences(
	path: string,
	a: SignedFile,
	b: SignedFile,
	{ modeBits, carried }: EntryComparison,
): Generator<EntryDifference> {
	if (!isSameContent(a, b)) {
		const isOtherKind = a.kind !== b.kind && a.kind !== -1 && b.kind !== -1 && a.digest.length * b.digest.length > 0;
		const hint = isOtherKind ? ", or is signed by another kind of digest" : "";
		const isSame = Buffer.compare(a.digest, b.digest) === 0;
		const of = ({ digest, wholeSha256 = digest }: SignedFile) => hex(isSame ? wholeSha256 : digest);
		yield { kind: "modified", path, message: `${quote(path)} was modified${hint}`, before: of(a), after: of(b) };
	}
	if (a.mode !== -1 && b.mode !== -1 && ((a.mode ^ b.mode) & modeBits) !== 0) {
		const [before, after] = [a.mode.toString(8), b.mode.toString(8)];
		yield { kind: "mode", path, message: `${quote(path)} has mode ${after}, before ${before}`, before, after };
	}
	if (carried === "compare" && !isSameCarried(a.carried, b.carried)) {
		const [before, after] = [namesOf(a.carried), namesOf(b.carried)];
		const change =
			before === after ? `other values of ${after}` : `${after || "no attributes"}, before ${before || "none"}`;
		yield { kind: "carried", path, message: `${quote(path)} carries ${change}`, before, after };
	}
}

function isSameCarried(a: readonly CarriedAttribute[] = [], b: readonly CarriedAttribute[] = []): boolean {
	return (
		a.length === b.length &&
		a.every(({ name, value }, index) => name === b[index].name && Buffer.compare(value, b[index].value) === 0)
	);
}

function namesOf(carried: readonly CarriedAttribute[] = []): string {
	return carried.map(({ name }) => name).join(", ");
}

function contentText(entry: Entry): string {
	return "target" in entry ? entry.target : hex(entry.file.digest);
}
