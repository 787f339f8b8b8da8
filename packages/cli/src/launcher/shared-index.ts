/**
 * The directory `indexes` beside an installed launcher. It holds copies of trust indexes that all processes of the host
 * share, so that none of them has a copy of its own or digests it. The name of a copy is its SHA-256, and it never
 * changes. Beside it lies a record whose name is the identity of the index that was copied: while the index has this
 * identity, the launcher passes the copy in its place. packages/verifier/native/launch/shared-index.c is the reader.
 */

import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { IndexDigests } from "@sigtool/core";
import {
	exclusively,
	MAX_SHARED_BYTES,
	MAX_TRUST_INDEX_BYTES,
	parseTrustIndex,
	readBounded,
	type SharedDocument,
	sharedFromFileBytes,
	writeAtomically,
} from "@sigtool/core/internal";
import { ioError, quote, SigtoolError } from "@sigtool/core/internal/errors";
import { faultOfFile as faultOfOwner } from "@sigtool/verifier/internal";
import { makePublicDirectory } from "../options/output-directory.js";
import { fromIndexFile } from "../output/index-file.js";
import { hasControlCharacter, identityOf, pin, realPath } from "./launcher-conf.js";

export interface SharedIndex {
	/** The real path of the index. */
	readonly index: string;
	readonly copy: string;
	readonly sizeBytes: number;
	/** False if the index was shared already. */
	readonly changed: boolean;
}

export function sharedDirectory(prefix: string): string {
	return join(prefix, "indexes");
}

/**
 * Shares these indexes, and forgets each that is gone or was replaced. A process keeps what it has mapped, because a
 * copy is removed but never written to.
 * @throws ERR_LAUNCHER if this user is not root or an index changes meanwhile, ERR_USAGE for a path with a control
 * character, ERR_IO, and what parsing an index throws
 */
export function shareIndexes(prefix: string, files: readonly string[]): SharedIndex[] {
	if (process.getuid?.() !== 0) throw new SigtoolError("ERR_LAUNCHER", "Cannot share an index: only root can");
	const indexes = files.map(realPath);
	const unwritable = indexes.find(hasControlCharacter);
	if (unwritable !== undefined) {
		const reason = "its path has a control character, such as a line break; move it";
		throw new SigtoolError("ERR_USAGE", `Cannot share ${quote(unwritable)}: ${reason}`, { path: unwritable });
	}
	const directory = sharedDirectory(prefix);
	makePublicDirectory(directory);
	return exclusively(directory, () => {
		const shared = indexes.map((index) => shareIndex(directory, index));
		removeStale(directory);
		return shared;
	});
}

function shareIndex(directory: string, index: string): SharedIndex {
	const identity = identityOf(index);
	const { bytes, digests } = fromIndexFile(index, (bytes) => ({ bytes, digests: parseTrustIndex(bytes).digests }));
	if (identityOf(index) !== identity) {
		const message = `Cannot share ${quote(index)}: it changed while it was read; run this again`;
		throw new SigtoolError("ERR_LAUNCHER", message, { path: index });
	}
	const copy = copyPath(directory, digests.index);
	const isCopied = faultOfCopy(copy, digests.index) === undefined;
	if (!isCopied) writeAtomically(copy, bytes, { mode: 0o444 });
	const record = join(directory, identity);
	const text = encodeRecord({ index, digest: digests.index, content: digests.content, identity: identityOf(copy) });
	const isRecorded = isCopied && faultOfFile(record) === undefined && readFileSync(record, "utf8") === text;
	if (!isRecorded) writeAtomically(record, Buffer.from(text), { mode: 0o444 });
	return { index, copy, sizeBytes: bytes.length, changed: !isRecorded };
}

function copyPath(directory: string, digest: string): string {
	return join(directory, copyName({ digest }));
}

function encodeRecord(members: Omit<SharedDocument, "version">): string {
	const text = Object.entries({ version: 1, ...members })
		.map(([key, value]) => `${key} ${value}\n`)
		.join("");
	sharedFromFileBytes(Buffer.from(text), "the record of a shared index");
	return text;
}

/** Returns undefined if there is no such record, or if the launcher would not understand it. */
function readRecord(file: string): SharedDocument | undefined {
	try {
		return sharedFromFileBytes(readBounded(file, MAX_SHARED_BYTES), file);
	} catch {
		return undefined;
	}
}

/**
 * Returns what is wrong with the copies: each is a file that the launcher might pass, or a process may have mapped. The
 * launcher itself does not digest a copy.
 */
export function faultsOfShared(prefix: string): string[] {
	const directory = sharedDirectory(prefix);
	if (!existsSync(directory)) return [];
	return namesIn(directory).flatMap((name) => {
		const path = join(directory, name);
		const fault = isCopyName(name) ? faultOfCopy(path, name.slice(0, SHA256_HEX)) : faultOfRecord(path, directory);
		return fault ?? [];
	});
}

/** Tells whether the launcher passes a shared copy in place of this index. */
export function isShared(prefix: string, index: string): boolean {
	const directory = sharedDirectory(prefix);
	const path = join(directory, identityOf(index));
	const record = existsSync(path) ? readRecord(path) : undefined;
	if (record === undefined || faultOfRecord(path, directory) !== undefined) return false;
	const copy = copyPath(directory, record.digest);
	return identityIfThere(copy) === record.identity && faultOfCopy(copy, record.digest) === undefined;
}

function faultOfCopy(copy: string, digest: string): string | undefined {
	const fault = faultOfFile(copy);
	if (fault !== undefined) return fault;
	const { sha256 } = pin(copy);
	return sha256 === digest ? undefined : `${copy} changed: its SHA-256 is ${sha256}`;
}

function faultOfRecord(path: string, directory: string): string | undefined {
	const fault = faultOfFile(path);
	if (fault !== undefined) return fault;
	const record = readRecord(path);
	if (record === undefined) return `${path} is no record of an index`;
	const copy = copyPath(directory, record.digest);
	// A copy has another identity after a move, as into a container image. Then the launcher does not pass it.
	if (identityIfThere(copy) !== record.identity) return undefined;
	return contentDigestOf(copy) === record.content ? undefined : `${path} has another digest than ${copy}`;
}

/** Returns why others than root could write to the file, or why it is no file of its own, or undefined. */
function faultOfFile(path: string): string | undefined {
	const stats = lstatSync(path, { throwIfNoEntry: false });
	if (stats === undefined) return `${path} does not exist`;
	if (!stats.isFile()) return `${path} is no regular file`;
	if (stats.nlink !== 1) return `${path} has a second name: it is a hard link`;
	return faultOfOwner(path, { development: "refuse", sticky: "refuse" }, stats);
}

function contentDigestOf(file: string): IndexDigests["content"] | undefined {
	try {
		return parseTrustIndex(readBounded(file, MAX_TRUST_INDEX_BYTES)).digests.content;
	} catch {
		return undefined;
	}
}

/** Removes records that are of no use any more, then copies that no record names. */
function removeStale(directory: string): void {
	const kept = new Set<string>();
	for (const name of namesIn(directory).filter((each) => !isCopyName(each))) {
		const record = readRecord(join(directory, name));
		if (record === undefined || identityIfThere(record.index) !== name) continue;
		if (identityIfThere(copyPath(directory, record.digest)) === record.identity) kept.add(name).add(copyName(record));
	}
	for (const name of namesIn(directory).filter((each) => !kept.has(each))) {
		const path = join(directory, name);
		try {
			rmSync(path, { recursive: true });
		} catch (cause) {
			throw ioError("remove", path, cause);
		}
	}
}

function namesIn(directory: string): string[] {
	try {
		return readdirSync(directory).sort();
	} catch (cause) {
		throw ioError("read", directory, cause);
	}
}

const SHA256_HEX = 64;

function isCopyName(name: string): boolean {
	return /^[0-9a-f]{64}\.sigx$/.test(name);
}

function copyName({ digest }: Pick<SharedDocument, "digest">): string {
	return `${digest}.sigx`;
}

function identityIfThere(file: string): string | undefined {
	try {
		return identityOf(file);
	} catch {
		return undefined;
	}
}
