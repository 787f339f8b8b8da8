/**
 * Finds memory for the trust index. With the addon all threads of a process read one memory, to which none of them can
 * write, so that a program that reached it could not change what may run. Without the addon each thread has a copy.
 */

import fs from "node:fs";
import { type IndexDigests, SigtoolError } from "@sigtool/core/read";
import type { KernelAddon } from "../../monitor/kernel-check.js";

/** Passes from thread to thread. It can be cloned. */
export interface IndexMemory {
	/** The index, or `kept` if the addon keeps it for all threads. */
	readonly content: Uint8Array | "kept";
	/** The digests, if they are known and the content cannot have changed since. */
	readonly digests: IndexDigests | undefined;
}

/**
 * Reads an index of `sizeBytes` from an open file. `digests` are given for a file that nobody can change.
 * @throws ERR_START, and the errors of the system
 */
export function readIndexMemory(
	descriptor: number,
	sizeBytes: number,
	addon: KernelAddon | undefined,
	digests: IndexDigests | undefined,
): IndexMemory {
	const isKept = addon?.keepIndex?.(descriptor, digests !== undefined) === true;
	if (isKept && addon?.keptIndex?.() !== undefined) return { content: "kept", digests };
	const content = new Uint8Array(sizeBytes);
	for (let filled = 0; filled < sizeBytes; ) {
		const count = fs.readSync(descriptor, content, filled, sizeBytes - filled, filled);
		if (count === 0) throw new SigtoolError("ERR_START", "Cannot start: the trust index changes while it is read");
		filled += count;
	}
	return { content, digests };
}

/** @throws ERR_START if the addon keeps the index, and this thread cannot load the addon */
export function bytesOf({ content }: IndexMemory, addon: KernelAddon | undefined): Uint8Array {
	if (content !== "kept") return content;
	const buffer = addon?.keptIndex?.();
	if (buffer === undefined) {
		throw new SigtoolError(
			"ERR_START",
			"Cannot start a thread: the addon, which keeps the trust index, cannot be loaded",
		);
	}
	return new Uint8Array(buffer);
}
