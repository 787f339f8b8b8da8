/**
 * Writes extended attributes to files while the files are hashed, by the descriptor from which the content is read. An
 * attribute is written only if its value differs. If the content changes meanwhile, the attribute gets its old value
 * back.
 */

import { createHash, type Hash } from "node:crypto";
import type { EvidenceDigest } from "../../pki/signature-algorithm.js";
import { type AttributeAccess, attributeError } from "../../system/attributes.js";
import { pathOfDescriptor } from "../paths/descriptor-path.js";
import { type FileVisitor, fileChanged, type OpenFile } from "./hash-file.js";

/** Computes the value of one attribute for one file after another. */
export interface AttributeMaker {
	/** The attribute's name with its namespace, such as `security.ima`. */
	readonly name: string;
	/** Begins the computation for a file. `present` is the untrusted value that the file has now. */
	begin(file: OpenFile, present: Uint8Array | undefined): void;
	/** Receives the content piece by piece, in order and without gaps. A piece is valid during the call only. */
	content(piece: Uint8Array): void;
	/** Returns the value that the attribute must have. This may be the value that it has now. */
	finish(file: OpenFile, sha256: Uint8Array): Uint8Array;
}

/**
 * Counts for each maker, in memory that all threads share, how often the maker's value was written, and how often a
 * file already had that value.
 */
export type AttributeCounts = Int32Array;

export function attributeCounts(makers: number): AttributeCounts {
	return new Int32Array(new SharedArrayBuffer(8 * makers));
}

/**
 * Returns a visitor that writes the values in the order of `makers`, so that a later value may depend on an earlier
 * one. If a write fails, `end` restores the old values and throws the error of `attributeError`.
 */
export function createAttributeWriter(
	access: AttributeAccess,
	makers: readonly AttributeMaker[],
	counts: AttributeCounts,
): FileVisitor {
	const present: (Uint8Array | undefined)[] = [];
	let written: number[] = [];

	/**
	 * Refuses a file that is not at its path. If a directory of this path was replaced by a symbolic link, the open
	 * file may be outside of the tree.
	 * @throws ERR_FILE_CHANGED
	 */
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

/** Returns undefined if the file has no such attribute. @throws ERR_ATTRIBUTE_*, ERR_IO */
export function readAttribute(access: AttributeAccess, file: OpenFile, name: string): Uint8Array | undefined {
	try {
		return access.read(file.descriptor, name);
	} catch (cause) {
		throw attributeError("read", file.name, name, cause);
	}
}

/** An attribute whose value is a prefix and a digest of the content. Every thread can compute such a value. */
export interface DigestAttribute {
	readonly name: string;
	readonly digest: EvidenceDigest;
	/** The bytes in front of the digest. */
	readonly prefix: Uint8Array;
	readonly text: "hex" | "bytes";
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
			const bytes = hash?.digest() ?? sha256;
			return Buffer.concat([prefix, text === "hex" ? Buffer.from(Buffer.from(bytes).toString("hex")) : bytes]);
		},
	};
}

/** The data by which a thread writes digest attributes. It can be passed to a worker thread. */
export interface DigestAttributes {
	readonly attributes: readonly DigestAttribute[];
	readonly counts: AttributeCounts;
}

export function digestAttributeWriter(access: AttributeAccess, { attributes, counts }: DigestAttributes): FileVisitor {
	return createAttributeWriter(access, attributes.map(digestMaker), counts);
}
