/**
 * Writing extended attributes while files are hashed: through the descriptor the content is read by, only what differs,
 * and taken back when the content turns out to have changed meanwhile.
 */

import { createHash, type Hash } from "node:crypto";
import type { EvidenceDigest } from "../pki/signature-algorithm.js";
import { type AttributeAccess, attributeError } from "../system/attributes.js";
import { pathOfDescriptor } from "./descriptor-path.js";
import { type FileVisitor, fileChanged, type OpenFile } from "./hash-file.js";

/** Makes one attribute's value, file by file. */
export interface AttributeMaker {
	/** With its namespace: `security.ima`. */
	readonly name: string;
	/** `present`: the value the file has, untrusted. */
	begin(file: OpenFile, present: Uint8Array | undefined): void;
	/** The whole content in order; the octets are valid during the call only. */
	content(piece: Uint8Array): void;
	/** The value the file is to have: what is present where that is right. */
	finish(file: OpenFile, sha256: Uint8Array): Uint8Array;
}

/** How often each maker's value was written and how often it was there already: two shared counters a maker. */
export type AttributeCounts = Int32Array;

export function attributeCounts(makers: number): AttributeCounts {
	return new Int32Array(new SharedArrayBuffer(8 * makers));
}

/**
 * Writes the makers' values in their order, so that a later one may depend on what an earlier one wrote. Its `end` throws
 * what `attributeError` makes of a refusal by the system, after taking back what it wrote.
 */
export function createAttributeWriter(
	access: AttributeAccess,
	makers: readonly AttributeMaker[],
	counts: AttributeCounts,
): FileVisitor {
	const present: (Uint8Array | undefined)[] = [];
	let written: number[] = [];

	/** A directory on the way that was replaced by a link would lead out of the tree. */
	function requirePlace({ descriptor, path, name }: OpenFile): void {
		if (pathOfDescriptor(descriptor, path) !== path) throw fileChanged(name);
	}

	function write(file: OpenFile, index: number, value: Uint8Array): void {
		const { descriptor, name: path } = file;
		const { name } = makers[index];
		if (written.length === 0) requirePlace(file);
		try {
			access.write(descriptor, name, value);
		} catch (cause) {
			throw attributeError("write", path, name, cause, { sizeBytes: value.length });
		}
	}

	function undo({ descriptor }: OpenFile): void {
		for (const index of written) {
			const before = present[index];
			if (before === undefined) access.remove(descriptor, makers[index].name);
			else access.write(descriptor, makers[index].name, before);
		}
	}

	return {
		begin(file) {
			written = [];
			makers.forEach((maker, index) => {
				present[index] = readAttribute(access, file, maker.name);
				maker.begin(file, present[index]);
			});
		},
		content(piece) {
			for (const maker of makers) maker.content(piece);
		},
		end(file, sha256) {
			try {
				makers.forEach((maker, index) => {
					const value = maker.finish(file, sha256);
					const isRight = present[index] !== undefined && Buffer.compare(value, present[index]) === 0;
					if (!isRight) {
						write(file, index, value);
						written.push(index);
					}
					Atomics.add(counts, 2 * index + (isRight ? 1 : 0), 1);
				});
			} catch (error) {
				undo(file);
				throw error;
			}
			return written.length > 0 ? "wrote" : "looked";
		},
		undo,
	};
}

/** @throws ERR_ATTRIBUTE_*, ERR_IO, with the file's name */
export function readAttribute(access: AttributeAccess, file: OpenFile, name: string): Uint8Array | undefined {
	try {
		return access.read(file.descriptor, name);
	} catch (cause) {
		throw attributeError("read", file.name, name, cause);
	}
}

/** An attribute that is a hash of the content: any thread can make it. */
export interface DigestAttribute {
	readonly name: string;
	readonly digest: EvidenceDigest;
	/** Octets in front of the digest. */
	readonly prefix: Uint8Array;
	readonly text: "hex" | "octets";
}

export function digestMaker({ name, digest, prefix, text }: DigestAttribute): AttributeMaker {
	let hash: Hash | undefined;
	return {
		name,
		begin() {
			hash = digest === "sha256" ? undefined : createHash(digest);
		},
		content(piece) {
			hash?.update(piece);
		},
		finish(_, sha256) {
			const octets = hash?.digest() ?? sha256;
			return Buffer.concat([prefix, text === "hex" ? Buffer.from(Buffer.from(octets).toString("hex")) : octets]);
		},
	};
}

/** What a thread needs to write digest attributes; can be passed to a worker. */
export interface DigestAttributes {
	readonly attributes: readonly DigestAttribute[];
	readonly counts: AttributeCounts;
}

export function digestAttributeWriter(access: AttributeAccess, { attributes, counts }: DigestAttributes): FileVisitor {
	return createAttributeWriter(access, attributes.map(digestMaker), counts);
}
