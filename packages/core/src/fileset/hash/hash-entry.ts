/**
 * Hashes one entry of a tree. This module does not import the code for directories, rows and threads, so that the
 * verification of a single file does not have to load that code.
 */

import { DIGEST_ALGORITHMS } from "../../digest/algorithms.js";
import { SigtoolError } from "../../errors.js";
import { runSteps } from "../../system/abort.js";
import { ENTRY_KIND, type Manifest, wholeFileColumns, wholeFilesIn } from "../manifest.js";
import { type LinkOptions, slashes } from "../walk/links.js";
import type { WalkStep } from "../walk/walk.js";
import { walkListed } from "../walk/walk-listed.js";
import { type FileVisitor, hashFileSteps } from "./hash-file.js";

export interface HashEntryOptions extends LinkOptions {
	readonly digest: "sha256" | "sha1";
	/** A visitor requires `digest: "sha256"`. */
	readonly visitor?: FileVisitor | undefined;
	/** The value `leave` does not open a file. Its row has the kind `unread`. The default is `read`. */
	readonly content?: "read" | "leave";
	readonly signal?: AbortSignal | undefined;
}

/**
 * Returns the manifest that `hashFileSet(root, { only: [path], onProblem: "collect" })` would return. `root` is the
 * real path of a directory. Never throws because of the entry: if the entry cannot be hashed, the manifest has a
 * problem and no row. @throws AbortError
 */
export async function hashEntry(
	root: string,
	path: string,
	{ digest, visitor, signal, content = "read", ...links }: HashEntryOptions,
): Promise<Manifest> {
	const base = slashes(root).replace(/\/?$/, "/");
	const pathBytes = Buffer.from(path);
	const digestBytes = DIGEST_ALGORITHMS[digest].sizeBytes;
	const columns = {
		kinds: new Uint8Array(1),
		modes: new Uint16Array(1),
		sizes: new Float64Array(1),
		digests: Buffer.alloc(digestBytes),
		...wholeFileColumns(),
	};
	const linkTargets = new Map<number, string>();
	const problems: SigtoolError[] = [];
	const [step] = walkListed(base, [path], { ...links, caseCollisions: "refuse", skip: new Set() });
	if (step.kind === "problem") {
		problems.push(step.error);
	} else if (step.kind === "link") {
		linkTargets.set(0, step.target);
		columns.kinds[0] = ENTRY_KIND.link;
		columns.modes[0] = 0o777;
	} else if (content === "leave") {
		columns.kinds[0] = ENTRY_KIND.unread;
	} else {
		try {
			const options = { digest, visitor, bigFiles: "hash", name: path } as const;
			await runSteps(hashFileSteps(columns, 0, contentPath(base, path, step), options), signal);
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			problems.push(error);
		}
	}
	const count = 1 - problems.length;
	return {
		root,
		count,
		pathBytes: pathBytes.subarray(0, count * pathBytes.length),
		pathOffsets: Uint32Array.of(0, pathBytes.length).subarray(0, count + 1),
		kinds: columns.kinds.subarray(0, count),
		modes: columns.modes.subarray(0, count),
		sizes: columns.sizes.subarray(0, count),
		digestBytes,
		digests: columns.digests.subarray(0, count * digestBytes),
		wholeFiles: wholeFilesIn(columns.kinds, columns, count),
		linkTargets,
		ignoredCount: 0,
		problems,
	};
}

/** Returns the path from which the entry's content is read. For a followed link this is the real path of the target. */
function contentPath(base: string, path: string, step: WalkStep): string {
	return step.kind === "linked-file" ? step.realPath : base + path;
}
