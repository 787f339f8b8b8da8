/** Collects the files of a catalog or an index into the columns of the page, in the order of the tree. */

import { SigtoolError } from "@sigtool/core/internal/errors";
import { escaped } from "../../output/output.js";
import type { FilesData, FindingData, StateLetter } from "../../page/data.js";
import { thousands } from "../../page/text.js";

export interface CollectedFile {
	/** The path as it was signed. */
	readonly path: string;
	readonly state: StateLetter;
	/** The size in bytes, or -1 if it is not known. */
	readonly sizeBytes: number;
	/** The digest in hexadecimal, or an empty text. */
	readonly digest: string;
	readonly findings: readonly FindingData[];
}

/** Browsers cannot scroll to the end of a list that has many more rows. */
const MAX_FILES = 500_000;

/**
 * Escapes every name, so that it stays on one line and shows each of its characters. @throws ERR_LIMIT for more than
 * MAX_FILES files
 */
export function collectFiles(files: readonly CollectedFile[]): FilesData {
	if (files.length > MAX_FILES) {
		const message = `Cannot report on ${thousands(files.length)} files: a page shows at most ${thousands(MAX_FILES)}; report on parts`;
		throw new SigtoolError("ERR_LIMIT", message);
	}
	const directories: [number, string][] = [[-1, ""]];
	const rows = new Map<string, number>([["", 0]]);
	const rowOf = (path: string): number => {
		const missing: string[] = [];
		let above = path;
		while (!rows.has(above)) {
			missing.push(above);
			above = above.includes("/") ? above.slice(0, above.lastIndexOf("/")) : "";
		}
		let row = rows.get(above) ?? 0;
		for (const each of missing.reverse()) {
			directories.push([row, escaped(each.slice(each.lastIndexOf("/") + 1))]);
			row = directories.length - 1;
			rows.set(each, row);
		}
		return row;
	};
	const sorted = files
		.map((file) => ({ file, key: file.path.replaceAll("/", "\0") }))
		.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
		.map(({ file }) => file);
	const findings: Record<string, readonly FindingData[]> = {};
	for (const [row, file] of sorted.entries()) if (file.findings.length > 0) findings[row] = file.findings;
	return {
		parents: sorted.map(({ path }) => rowOf(path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "")),
		directories,
		names: sorted.map(({ path }) => escaped(path.slice(path.lastIndexOf("/") + 1))),
		states: sorted.map(({ state }) => state).join(""),
		sizes: sorted.map(({ sizeBytes }) => sizeBytes),
		digests: sorted.map(({ digest }) => Buffer.from(digest, "hex").toString("base64")),
		findings,
	};
}
