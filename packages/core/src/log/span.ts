/**
 * Digests a span of a log: the lines from one that has a `chain` up to the line before the next one, joined by line
 * feeds. Most spans are one line, which is digested at once.
 */

import { createHash, type Hash, hash } from "node:crypto";
import type { LinePart } from "./lines.js";

export interface Span {
	/** The number of lines. */
	readonly lines: number;
	/** Begins anew with this line. */
	begin(line: Buffer): void;
	/** Adds a line. It is undefined if it is not kept. Then its parts must have come before. */
	add(line: Buffer | undefined): void;
	addPart(part: LinePart): void;
	/** Returns the SHA-256 in lower-case hexadecimal, which the next line carries as `chain`. Undefined without lines. */
	digest(): string | undefined;
}

export function createSpan(): Span {
	let lines = 0;
	let only: Buffer = Buffer.alloc(0);
	let onlyBytes = 0;
	let digest: string | undefined;
	/** The digest of more than one line. */
	let sum: Hash | undefined;

	function keepOnly(bytes: Buffer): void {
		if (only.length < bytes.length) only = Buffer.alloc(bytes.length);
		onlyBytes = bytes.copy(only);
	}

	function openSum(): Hash {
		sum ??= lines === 0 ? createHash("sha256") : createHash("sha256").update(only.subarray(0, onlyBytes));
		if (lines > 0) sum.update("\n");
		return sum;
	}

	return {
		get lines() {
			return lines;
		},
		begin(line) {
			lines = 1;
			sum = undefined;
			digest = hash("sha256", line, "hex");
			keepOnly(line);
		},
		add(line) {
			if (line !== undefined) openSum().update(line);
			lines++;
			digest = undefined;
		},
		addPart({ bytes, isFirst }) {
			const open = isFirst ? openSum() : sum;
			open?.update(bytes);
		},
		digest() {
			digest ??= sum?.copy().digest("hex");
			return digest;
		},
	};
}
