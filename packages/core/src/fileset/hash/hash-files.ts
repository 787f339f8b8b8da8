/**
 * Hashes a file set. The calling thread walks the tree and adds a row for each entry. The calling thread and, for large
 * sets, other threads claim the rows and hash their files. The columns of these rows become the manifest.
 */

import { realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { ioError, isErrnoException, quote, SigtoolError } from "../../errors.js";
import { AbortError, throwIfAborted } from "../../system/abort.js";
import { loadAttributes } from "../../system/attributes.js";
import type { Manifest } from "../manifest.js";
import type { LinkOptions } from "../walk/links.js";
import { asBase, type WalkOptions, type WalkStep, walkTree } from "../walk/walk.js";
import { walkListed } from "../walk/walk-listed.js";
import { type DigestAttributes, digestAttributeWriter } from "./attribute-writer.js";
import type { DigestChoice, FileVisitor } from "./hash-file.js";
import { createHashThreads, type HashThreads } from "./hash-threads.js";
import { withRows } from "./row-arena.js";
import { createRowWriter, type RowWriter } from "./row-writer.js";
import { type FoundEntries, toManifest } from "./rows-to-manifest.js";
import { COUNTER, type RowLimits, type SharedRows } from "./shared-rows.js";

export interface HashFileSetOptions {
	/** The digests to compute. The default is `sha256`. */
	readonly digest?: DigestChoice;
	/** The treatment of symbolic links. The default is `record`. */
	readonly links?: LinkOptions["links"];
	/** The treatment of links that lead out of the tree. The default is `refuse`. */
	readonly linksOutside?: LinkOptions["linksOutside"];
	/** The treatment of names that differ only by case. The default is `refuse`. */
	readonly caseCollisions?: "refuse" | "allow";
	/**
	 * Returns true for entries that are left out and counted in `ignoredCount`. A directory that is left out is not
	 * entered and counts once.
	 */
	readonly exclude?: (path: string, kind: "file" | "directory") => boolean;
	/** The entry paths to hash. With this option the tree is not walked. */
	readonly only?: readonly string[] | undefined;
	/** The entry paths of files and links that are left out without being counted. */
	readonly skip?: ReadonlySet<string>;
	/**
	 * Returns false for files that are not opened. Their rows have the kind `unread`, and neither size, mode nor digest.
	 * By default all files are read.
	 */
	readonly reads?: ((path: string) => boolean) | undefined;
	/**
	 * The value `collect` puts the errors about entries that cannot be hashed into the manifest. With the default,
	 * `throw`, the first such error ends the work.
	 */
	readonly onProblem?: "throw" | "collect";
	/** A function that is called synchronously, at most every 50 ms and once more at the end. */
	readonly onProgress?: ((progress: HashProgress) => void) | undefined;
	/** Ends the work early. No thread writes an attribute after the promise was rejected. */
	readonly signal?: AbortSignal | undefined;
	/** The number of threads beside the calling thread. By default the amount of work decides. */
	readonly workers?: number;
	/**
	 * The value `native` means that native threads are used if they are installed, and `javascript` that they are not
	 * used. By default only large sets use native threads.
	 */
	readonly engine?: "native" | "javascript";
	/** The attributes that every thread writes to the files it hashes. */
	readonly attributes?: DigestAttributes | undefined;
	/**
	 * A visitor of every file, with which the calling thread hashes alone. A visitor cannot be combined with
	 * `attributes`.
	 */
	readonly visitor?: FileVisitor | undefined;
}

/** Tells how far the hashing of a file set is. The totals grow while directories are still being read. */
export interface HashProgress {
	readonly files: number;
	/** The number of files and symbolic links that were found so far. */
	readonly totalFiles: number;
	readonly bytes: number;
	/** The size in bytes of all files that were found so far. It is estimated from the files that were opened. */
	readonly totalBytes: number;
}

/**
 * Hashes the tree at `root`. If `root` is a file, only this file is hashed, and its directory is the manifest's root.
 * @throws ERR_ROOT_MISSING, ERR_LIMIT; and ERR_PATH_*, ERR_FILE_*, ERR_LINK_*, ERR_IO unless they are collected;
 * AbortError
 */
export async function hashFileSet(root: string, options: HashFileSetOptions = {}): Promise<Manifest> {
	const { base, only } = locate(root, options.only);
	const digest = options.digest === "sha1" ? "sha1" : "sha256";
	const twins = options.digest === "sha256+sha1" ? "with-sha1" : "none";
	const { attributes, signal } = options;
	throwIfAborted(signal);
	const visitor = attributes ? digestAttributeWriter(await loadAttributes(), attributes) : options.visitor;
	const walkOptions: WalkOptions = {
		links: options.links ?? "record",
		linksOutside: options.linksOutside ?? "refuse",
		caseCollisions: options.caseCollisions ?? "refuse",
		exclude: options.exclude,
		skip: options.skip ?? new Set(),
	};
	const onProblem = options.onProblem ?? "throw";
	let writer: RowWriter | undefined;
	let threads: HashThreads | undefined;
	return withRows(only === undefined ? "most" : limitsFor(only), twins, {
		signal,
		async run(rows) {
			const job = { base, digest, rows, attributes } as const;
			const onProgress = progressReporter(rows, options.onProgress);
			writer = createRowWriter(rows);
			threads = createHashThreads(job, {
				workers: options.visitor === undefined ? options.workers : 0,
				engine: options.engine,
				onPiece: () => onProgress("when-due"),
				visitor,
				signal,
			});
			const steps = only === undefined ? walkTree(base, walkOptions) : walkListed(base, only, walkOptions);
			try {
				const found = await addRows(steps, writer, threads, { onProblem, reads: options.reads });
				await threads.finish();
				const manifest = await toManifest(job, found, { onProblem, visitor, signal });
				onProgress("now");
				return manifest;
			} catch (error) {
				if (error instanceof AbortError) await threads.end();
				throw error;
			}
		},
		async end() {
			await threads?.end();
			return writer?.count ?? 0;
		},
	});
}

/** Adds a row for each entry of the walk, and publishes the rows for the threads to claim. */
async function addRows(
	steps: Iterable<WalkStep>,
	writer: RowWriter,
	threads: HashThreads,
	{ onProblem = "throw", reads }: Pick<HashFileSetOptions, "onProblem" | "reads">,
): Promise<FoundEntries> {
	const linkTargets = new Map<number, string>();
	const realPaths = new Map<number, string>();
	const problems: SigtoolError[] = [];
	let ignoredCount = 0;
	for (const step of steps) {
		if (step.kind === "files") addFiles(writer, step, reads);
		else if (step.kind === "link") linkTargets.set(writer.addLink(step.path), step.target);
		else if (step.kind === "linked-file" && reads?.(step.path) === false) writer.addUnread("", [step.path]);
		else if (step.kind === "linked-file") realPaths.set(writer.addElsewhere(step.path), step.realPath);
		else if (step.kind === "ignored") ignoredCount++;
		else if (onProblem === "throw") throw step.error;
		else problems.push(step.error);
		await threads.publish(writer.count);
	}
	return { count: writer.count, linkTargets, realPaths, problems, ignoredCount };
}

/** Adds files in their order, runs of those that are read and of those that are not. */
function addFiles(
	writer: RowWriter,
	{ prefix, names }: Extract<WalkStep, { kind: "files" }>,
	reads: HashFileSetOptions["reads"],
): void {
	for (let start = 0, end = 0; start < names.length; start = end) {
		const isRead = reads?.(prefix + names[start]) !== false;
		end = reads === undefined ? names.length : start + 1;
		while (end < names.length && reads?.(prefix + names[end]) === isRead) end++;
		const run = start === 0 && end === names.length ? names : names.slice(start, end);
		if (isRead) writer.addFiles(prefix, run);
		else writer.addUnread(prefix, run);
	}
}

function locate(root: string, only: readonly string[] | undefined): { base: string; only?: readonly string[] } {
	try {
		if (statSync(root).isDirectory()) return { base: asBase(realpathSync.native(root)), ...(only && { only }) };
		return { base: asBase(realpathSync.native(dirname(root))), only: [basename(root)] };
	} catch (cause) {
		if (!isErrnoException(cause) || (cause.code !== "ENOENT" && cause.code !== "ENOTDIR")) {
			throw ioError("open", root, cause);
		}
		const message = `Cannot hash ${quote(root)}: it does not exist`;
		throw new SigtoolError("ERR_ROOT_MISSING", message, { cause, path: root });
	}
}

function limitsFor(paths: readonly string[]): RowLimits {
	return { rows: paths.length, pathBytes: paths.reduce((sum, path) => sum + Buffer.byteLength(path), 0) };
}

const PROGRESS_INTERVAL_MS = 50;

function progressReporter(
	{ counters, threadBytes, sizes }: SharedRows,
	onProgress: HashFileSetOptions["onProgress"],
): (when: "when-due" | "now") => void {
	if (onProgress === undefined) return () => {};
	let last = performance.now();
	return (when) => {
		const now = performance.now();
		if (when === "when-due" && now - last < PROGRESS_INTERVAL_MS) return;
		last = now;
		const totalFiles = Atomics.load(counters, COUNTER.published);
		const opened = Atomics.load(counters, COUNTER.claimed);
		let openedBytes = 0;
		for (let row = 0; row < opened; row++) openedBytes += sizes[row];
		const bytes = threadBytes.reduce((sum, each) => sum + each, 0);
		onProgress({
			files: Atomics.load(counters, COUNTER.finished),
			totalFiles,
			bytes,
			totalBytes: Math.max(bytes, Math.round(openedBytes * (totalFiles / Math.max(1, opened)))),
		});
	};
}
