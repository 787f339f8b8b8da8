/**
 * Opens a file as code. All facts come from one descriptor: type and size, real path, content, and whether the kernel
 * would execute the file. The content is read once, into memory that is not shared. The path is never opened a second
 * time.
 */

import { pathOfDescriptor } from "@sigtool/core/internal/read";
import { DEFAULT_POLICY } from "@sigtool/core/read";
import {
	allocate,
	Bytes,
	charCodeAt,
	closeSync,
	fstatSync,
	O_NONBLOCK,
	O_RDONLY,
	openSync,
	PromiseObject,
	read,
	readSync,
	S_IFDIR,
	S_IFMT,
	S_IFREG,
	shielded,
	statSync,
	workingDirectory,
} from "../safe/primordials.js";
import { followLinks } from "./follow-links.js";
import type { Judge } from "./judge.js";
import type { KernelCheck } from "./kernel-check.js";
import { type OwnerAndModeRules, ownerOrModeObjection } from "./owner-and-mode.js";
import { type UntrustedVerdict, untrusted, type Verdict } from "./verdict.js";

export interface OpenedCode {
	readonly realPath: string;
	/**
	 * These are exactly the bytes that were hashed, shielded, in memory that is not shared. Undefined if the file was not
	 * read.
	 */
	readonly bytes: Uint8Array | undefined;
	/** The size of a file that some policy may find too large. Undefined for a smaller one. */
	readonly sizeBytes: number | undefined;
	readonly verdict: Verdict;
}

export interface OpenRules {
	readonly judge: Judge;
	readonly kernel: KernelCheck;
	readonly maxSizeBytes: number;
	/**
	 * The value `bounded` leaves files above `maxSizeBytes` unread. The modes off and audit use `any`, which reads them
	 * too.
	 */
	readonly sizes: "bounded" | "any";
	readonly ownerAndMode: OwnerAndModeRules;
}

/**
 * Returns the size from which on events tell it: more than this policy allows, or than one does that says nothing about
 * it.
 */
export function sizeToTell({ maxSizeBytes }: Pick<OpenRules, "maxSizeBytes">): number {
	return maxSizeBytes < USUAL_BYTES ? maxSizeBytes : USUAL_BYTES;
}

const USUAL_BYTES = DEFAULT_POLICY.files.maxSizeBytes;

/** @throws the system's own errors, e.g. with `code` ENOENT */
export function openCodeSync(path: string, rules: OpenRules): OpenedCode {
	const file = openFile(path, rules);
	try {
		return judged(file, file.isReadable ? readWholeSync(file) : undefined, rules);
	} finally {
		closeSync(file.descriptor);
	}
}

/** Does what `openCodeSync` does. Only reading the content is asynchronous. */
export async function openCode(path: string, rules: OpenRules): Promise<OpenedCode> {
	const file = openFile(path, rules);
	try {
		return judged(file, file.isReadable ? await readWhole(file) : undefined, rules);
	} finally {
		closeSync(file.descriptor);
	}
}

/** The name that Node.js gives the function around the text of a worker. No policy allows such workers. */
const TEXT_OF_WORKER = "[worker eval]-wrapper";

/**
 * Returns the verdict on the file at a path as it is now. Returns undefined if nothing is there, or a directory. A file
 * of which nothing can be known is not trusted.
 */
export function verdictOfFile(path: string, rules: OpenRules): Verdict | undefined {
	if (path === TEXT_OF_WORKER) return untrusted("ERR_FILE_TYPE", { why: "it is no file, but the text of a worker" });
	try {
		return (statSync(path).mode & S_IFMT) === S_IFDIR ? undefined : openCodeSync(path, rules).verdict;
	} catch (error) {
		const { code, message } = error as NodeJS.ErrnoException;
		if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG") return undefined;
		return untrusted("ERR_FILE_TYPE", { why: `it cannot be read: ${message}` });
	}
}

interface OpenFile {
	readonly descriptor: number;
	readonly realPath: string;
	readonly sizeBytes: number;
	readonly isReadable: boolean;
	/** The refusal that was found before any content was read. */
	readonly objection: UntrustedVerdict | undefined;
}

function openFile(path: string, rules: OpenRules): OpenFile {
	const descriptor = openSync(path, O_RDONLY | O_NONBLOCK);
	try {
		const { mode, size, dev, uid } = fstatSync(descriptor);
		const realPath = pathOfDescriptor(descriptor, path) ?? "";
		const isRegular = (mode & S_IFMT) === S_IFREG;
		const isSmall = size <= rules.maxSizeBytes;
		return {
			descriptor,
			realPath,
			sizeBytes: size,
			isReadable: isRegular && (isSmall || (rules.sizes === "any" && size <= MOST_BYTES)),
			objection: objection(),
		};

		function objection(): UntrustedVerdict | undefined {
			if (!isRegular) return untrusted("ERR_FILE_TYPE");
			if (!isSmall) return tooLarge(size, rules.maxSizeBytes);
			if (!leadsTo(path, realPath, rules.judge)) return untrusted("ERR_LINK_CHANGED");
			const refused = ownerOrModeObjection(rules.ownerAndMode, uid, mode);
			if (refused !== undefined) return refused;
			const why = rules.kernel.objection(descriptor, dev);
			if (why === undefined) return undefined;
			return untrusted("ERR_NOT_EXECUTABLE", { why: `the kernel would not execute it: ${why}` });
		}
	} catch (error) {
		closeSync(descriptor);
		throw error;
	}
}

/**
 * Node.js has no larger file in one buffer, and reading one would end in an error of its own. No policy allows more
 * either.
 */
const MOST_BYTES = 2 ** 31 - 1;

function tooLarge(sizeBytes: number, allowedBytes: number): UntrustedVerdict {
	if (sizeBytes <= MOST_BYTES)
		return untrusted("ERR_LIMIT", { why: `it has ${sizeBytes} bytes, and the policy allows ${allowedBytes}` });
	return untrusted("ERR_LIMIT", {
		why: `it has ${sizeBytes} bytes, and no policy can allow more than ${MOST_BYTES}`,
		mend: "split the file, or have the program read it as data",
	});
}

/**
 * Tells whether the path leads to `realPath` by links that may be followed. A path that equals `realPath` has no link.
 */
function leadsTo(path: string, realPath: string, judge: Judge): boolean {
	if (path === realPath) return true;
	const absolute = charCodeAt(path, 0) === SLASH ? path : `${workingDirectory()}/${path}`;
	return followLinks(absolute, judge.admitsLink) === realPath;
}

function judged(file: OpenFile, bytes: Uint8Array | undefined, rules: OpenRules): OpenedCode {
	const { realPath, objection } = file;
	const { judge } = rules;
	const sizeBytes = file.sizeBytes > sizeToTell(rules) ? file.sizeBytes : undefined;
	const verdict = bytes === undefined ? undefined : judge.decide(realPath, bytes);
	// A refusal of the content comes before a refusal of the links, the size, the owner, the mode or the kernel.
	if (verdict !== undefined && (objection === undefined || !verdict.trusted))
		return { realPath, bytes, sizeBytes, verdict };
	const refused = objection ?? untrusted("ERR_FILE_TYPE");
	return { realPath, bytes, sizeBytes, verdict: { ...refused, ...judge.placeOf(realPath), sha256: verdict?.sha256 } };
}

/** Reads at most the size that fstat() returned. Bytes that are appended later are not read, so they do not run. */
function readWholeSync({ descriptor, sizeBytes }: OpenFile): Uint8Array {
	const bytes = allocate(sizeBytes);
	let filled = 0;
	while (filled < sizeBytes) {
		const count = readSync(descriptor, bytes, filled, sizeBytes - filled, filled);
		if (count === 0) break;
		filled += count;
	}
	return filled === sizeBytes ? bytes : shielded(new Bytes(bytes.buffer, 0, filled));
}

async function readWhole({ descriptor, sizeBytes }: OpenFile): Promise<Uint8Array> {
	const bytes = allocate(sizeBytes);
	let filled = 0;
	while (filled < sizeBytes) {
		const count = await readSome(descriptor, bytes, filled);
		if (count === 0) break;
		filled += count;
	}
	return filled === sizeBytes ? bytes : shielded(new Bytes(bytes.buffer, 0, filled));
}

function readSome(descriptor: number, bytes: Uint8Array, offset: number): Promise<number> {
	return new PromiseObject((done, fail) => {
		read(descriptor, bytes, offset, bytes.length - offset, offset, (error, count) =>
			error ? fail(error) : done(count),
		);
	});
}

const SLASH = 0x2f;
