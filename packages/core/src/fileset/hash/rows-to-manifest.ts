/** Turns hashed rows into a manifest. Reports the failures, and removes rows without a digest. */

import { DIGEST_ALGORITHMS } from "../../digest/algorithms.js";
import { SigtoolError } from "../../errors.js";
import { runSteps } from "../../system/abort.js";
import { type Manifest, wholeFilesIn } from "../manifest.js";
import { comparePathBytes } from "../paths/entry-path.js";
import { type FileVisitor, fileChanged, hashFileSteps } from "./hash-file.js";
import type { HashJob } from "./row-hasher.js";
import { bufferOver, hashColumns, ROW_STATE, type SharedRows } from "./shared-rows.js";

/** The results of the walk that are not in the rows. */
export interface FoundEntries {
	/** The number of rows. */
	readonly count: number;
	readonly linkTargets: ReadonlyMap<number, string>;
	/** The real paths of files that are reached through followed links, by row. */
	readonly realPaths: ReadonlyMap<number, string>;
	readonly problems: readonly SigtoolError[];
	readonly ignoredCount: number;
}

export interface ToManifestOptions {
	readonly onProblem: "throw" | "collect";
	/** A visitor of the files that `toManifest` itself hashes. */
	readonly visitor: FileVisitor | undefined;
	readonly signal: AbortSignal | undefined;
}

/**
 * Copies the rows of a finished job into a manifest.
 * @throws the problem of the first row that has one, unless problems are collected; AbortError
 */
export async function toManifest(
	job: HashJob,
	found: FoundEntries,
	{ onProblem, visitor, signal }: ToManifestOptions,
): Promise<Manifest> {
	const { base, rows } = job;
	const lost: number[] = [];
	const problems = [...found.problems];
	for (let row = 0; row < found.count; row++) {
		if (rows.states[row] < ROW_STATE.changed) continue;
		const problem = await lookAgain(job, row, { realPath: found.realPaths.get(row), visitor, signal });
		if (problem === undefined) continue;
		if (onProblem === "throw") throw problem;
		problems.push(problem);
		lost.push(row);
	}
	const count = found.count - lost.length;
	const digestBytes = DIGEST_ALGORITHMS[job.digest].sizeBytes;
	const linkTargets = lost.length === 0 ? found.linkTargets : removeRows(rows, digestBytes, found, lost);
	return {
		root: base.length > 1 && !base.endsWith(":/") ? base.slice(0, -1) : base,
		count,
		pathBytes: rows.pathBytes.slice(0, rows.pathOffsets[count]),
		pathOffsets: rows.pathOffsets.slice(0, count + 1),
		kinds: rows.kinds.slice(0, count),
		modes: rows.modes.slice(0, count),
		sizes: rows.sizes.slice(0, count),
		digestBytes,
		digests: rows.digests.slice(0, count * digestBytes),
		...(rows.sha1Digests && { sha1Digests: rows.sha1Digests.slice(0, count * 20) }),
		wholeFiles: wholeFilesIn(rows.kinds, rows, count),
		linkTargets,
		ignoredCount: found.ignoredCount,
		problems: problems.sort((a, b) => comparePathBytes(a.path ?? "", b.path ?? "")),
	};
}

/** Hashes the file of a followed link, or hashes a failed row again to get the reason of the failure. */
async function lookAgain(
	job: HashJob,
	row: number,
	{ realPath, visitor, signal }: Omit<ToManifestOptions, "onProblem"> & { readonly realPath: string | undefined },
): Promise<SigtoolError | undefined> {
	const { base, digest, rows } = job;
	const name = bufferOver(rows.pathBytes).toString("utf8", rows.pathOffsets[row], rows.pathOffsets[row + 1]);
	if (rows.states[row] === ROW_STATE.changed) return fileChanged(name);
	try {
		const path = realPath ?? base + name;
		await runSteps(hashFileSteps(hashColumns(rows), row, path, { digest, visitor, bigFiles: "hash", name }), signal);
		return undefined;
	} catch (error) {
		if (error instanceof SigtoolError) return error;
		throw error;
	}
}

/**
 * Removes the rows in `lost`, which is in ascending order, from every column. Returns the link targets by their new
 * rows.
 */
function removeRows(
	rows: SharedRows,
	digestBytes: number,
	found: FoundEntries,
	lost: readonly number[],
): ReadonlyMap<number, string> {
	const { pathBytes, pathOffsets, kinds, modes, sizes, digests, sha1Digests, wholeDigests, malformed } = rows;
	const linkTargets = new Map<number, string>();
	let to = 0;
	for (const [index, gap] of [-1, ...lost].entries()) {
		const start = gap + 1;
		const end = lost[index] ?? found.count;
		const firstByte = pathOffsets[start];
		const shift = firstByte - pathOffsets[to];
		pathBytes.copyWithin(pathOffsets[to], firstByte, pathOffsets[end]);
		kinds.copyWithin(to, start, end);
		modes.copyWithin(to, start, end);
		sizes.copyWithin(to, start, end);
		digests.copyWithin(to * digestBytes, start * digestBytes, end * digestBytes);
		sha1Digests?.copyWithin(to * 20, start * 20, end * 20);
		wholeDigests.copyWithin(to * 32, start * 32, end * 32);
		malformed.copyWithin(to, start, end);
		for (let row = start; row < end; row++) {
			const target = found.linkTargets.get(row);
			if (target !== undefined) linkTargets.set(to, target);
			pathOffsets[++to] = pathOffsets[row + 1] - shift;
		}
	}
	return linkTargets;
}
