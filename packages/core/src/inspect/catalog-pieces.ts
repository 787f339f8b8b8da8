/**
 * Separates the members of a catalog from the rest, without reading the whole catalog into memory. Nearly all of a
 * large catalog is members.
 *
 * Supports the input that `parseSignedData` and `parseCatalog` accept, if all headers up to the first member are within
 * HEAD_BYTES. `splitCatalog` throws for any other input, and the caller then parses the whole catalog to get a better
 * message.
 */

import { context, DerReader, encode, TAG } from "../asn1/der.js";
import type { FilePieces } from "../system/read-file.js";

/** Content in memory or in a file. */
export type Pieces = Pick<FilePieces, "sizeBytes" | "copy">;

export interface SplitCatalog {
	/**
	 * The catalog in DER with an empty list of members. Its signature does not verify, because the members are missing.
	 */
	readonly shell: Uint8Array;
	/** The offsets of the first member, and of the byte behind the last member. */
	readonly membersStart: number;
	readonly membersEnd: number;
}

const HEAD_BYTES = 65_536;

export function piecesOf(bytes: Uint8Array): Pieces {
	return {
		sizeBytes: bytes.length,
		copy: (target, at, start, end) => target.set(bytes.subarray(start, end), at),
	};
}

/** @throws ERR_DER */
export function splitCatalog(pieces: Pieces): SplitCatalog {
	const { sizeBytes } = pieces;
	const head = pieceOf(pieces, 0, Math.min(HEAD_BYTES, sizeBytes));
	// The reader looks only at headers, so it can step over values that are not in `head`.
	const reader = new DerReader(head, "catalog", 0, sizeBytes);
	const part = (start: number) => head.subarray(start, reader.position);
	const requireEnd = (end: number) => {
		if (reader.end !== end) reader.fail("unexpected extra elements");
	};
	reader.open(TAG.SEQUENCE);
	requireEnd(sizeBytes);
	const typeStart = reader.position;
	reader.next(TAG.OID);
	const type = part(typeStart);
	reader.open(context(0));
	requireEnd(sizeBytes);
	reader.open(TAG.SEQUENCE);
	requireEnd(sizeBytes);
	const signedDataStart = reader.position;
	reader.next(TAG.INTEGER);
	reader.next(TAG.SET);
	const signedDataHead = part(signedDataStart);
	reader.open(TAG.SEQUENCE);
	const contentEnd = reader.end;
	const contentTypeStart = reader.position;
	reader.next(TAG.OID);
	const contentType = part(contentTypeStart);
	reader.open(context(0));
	requireEnd(contentEnd);
	reader.open(TAG.SEQUENCE);
	requireEnd(contentEnd);
	const listStart = reader.position;
	// This loop skips subjectUsage, listIdentifier, thisUpdate and subjectAlgorithm.
	for (let fields = 0; fields < 4; fields++) reader.next();
	const listHead = part(listStart);
	const hasMembers = reader.peek() === TAG.SEQUENCE;
	if (hasMembers) reader.open(TAG.SEQUENCE);
	const membersStart = reader.position;
	const membersEnd = hasMembers ? reader.end : membersStart;
	if (!(membersStart <= head.length)) reader.fail("its head is too long");
	const list = encode(
		TAG.SEQUENCE,
		listHead,
		hasMembers ? encode(TAG.SEQUENCE) : new Uint8Array(),
		pieceOf(pieces, membersEnd, contentEnd),
	);
	const content = encode(TAG.SEQUENCE, contentType, encode(context(0), list));
	const signedData = encode(TAG.SEQUENCE, signedDataHead, content, pieceOf(pieces, contentEnd, sizeBytes));
	return { shell: encode(TAG.SEQUENCE, type, encode(context(0), signedData)), membersStart, membersEnd };
}

export function pieceOf(pieces: Pieces, start: number, end: number): Uint8Array {
	const piece = new Uint8Array(end - start);
	pieces.copy(piece, 0, start, end);
	return piece;
}
