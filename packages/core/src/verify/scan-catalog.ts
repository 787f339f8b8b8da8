/**
 * Reads of a catalog only what the search for catalogs needs, without verifying it. A directory may hold catalogs of any
 * size that have nothing to do with the file to verify. So the head and the attributes of the list are read, and the
 * members only if these do not decide, in pieces of which nothing is kept.
 */

import { context, DerReader, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { MAX_PATH_BYTES } from "../fileset/paths/entry-path.js";
import { parseCatalogAttributes } from "../formats/cat.js";
import { type CatalogFacts, parseFacts } from "../formats/cat-facts.js";
import { bmpBytes, refuse, textEnd } from "../formats/cat-values.js";
import { type FilePieces, openPieces } from "../system/read-file.js";
import { behindContentType, MAX_CATALOG_BYTES } from "./catalog-file.js";

/** The parts of a catalog, unverified. Another catalog may contradict them. */
export interface ScannedCatalog {
	readonly facts: CatalogFacts;
	/** A text that differs if the file was replaced or written to. See `FilePieces.state`. */
	readonly state: string;
	/**
	 * Calls `visit` with the path of each member, "/"-separated, until it returns `stop`. The member may be malformed, and
	 * the path illegal. If `start` is given, paths that do not start with this text may be left out, which takes a fifth of
	 * the time. @throws ERR_IO
	 */
	eachMemberPath(visit: (path: string) => "stop" | "go on", start?: string): void;
}

/**
 * Calls `use` with the parts of a catalog, and returns its result.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, and ERR_DER or ERR_CATALOG_FORMAT for a file that is no catalog,
 * as far as it was read
 */
export function scanCatalog<T>(file: string, use: (catalog: ScannedCatalog) => T): T {
	return withPieces(file, (pieces) => {
		const parts = partsOf(pieces);
		if (parts === undefined) return refuse("its parts are not where a catalog has them");
		const { membersStart, membersEnd, listEnd } = parts;
		const sizeBytes = listEnd - membersEnd;
		if (sizeBytes > MAX_ATTRIBUTE_BYTES) {
			throw new SigtoolError("ERR_LIMIT", `Cannot look into catalog: its attributes have ${sizeBytes} bytes`);
		}
		const attributes = readRange(pieces, membersEnd, listEnd);
		return use({
			facts: parseFacts(attributes.length === 0 ? [] : parseCatalogAttributes(new DerReader(attributes, "catalog"))),
			state: pieces.state,
			eachMemberPath: (visit, start = "") => {
				const hint = Buffer.from(start, "utf16le");
				eachWindow(pieces, { start: membersStart, end: membersEnd, overlap: MAX_MEMBER_PATH_BYTES }, (window, size) =>
					eachPathIn(window, size, hint, visit),
				);
			},
		});
	});
}

/** The largest size of attributes that are decoded, because decoding takes two to three times their size in memory. */
const MAX_ATTRIBUTE_BYTES = 2 ** 26;

/**
 * Returns true if the file begins like a catalog and says that sigtool wrote it. The signature is not verified, and
 * everybody can write such a catalog, so the result proves nothing. Returns false for a file that is missing or too large.
 * @throws ERR_IO
 */
export function isOwnCatalog(file: string): boolean {
	try {
		return withPieces(file, (pieces) => {
			const parts = partsOf(pieces);
			if (parts !== undefined) return contains(pieces, parts.membersEnd, parts.listEnd);
			// The lengths of a damaged catalog may lead astray, and damage must not make the catalog disappear.
			return behindContentType(headOf(pieces)) !== undefined && contains(pieces, 0, pieces.sizeBytes);
		});
	} catch (error) {
		if (error instanceof SigtoolError && error.code !== "ERR_IO") return false;
		throw error;
	}
}

/** The name of the attribute that each catalog of sigtool has: a BMPString in DER. */
const OWN = Buffer.concat([Buffer.of(TAG.BMP_STRING, 28), bmpBytes("SigtoolVersion")]);

function withPieces<T>(file: string, use: (pieces: FilePieces) => T): T {
	const pieces = openPieces(file, MAX_CATALOG_BYTES);
	try {
		return use(pieces);
	} finally {
		pieces.close();
	}
}

interface Parts {
	/** The offsets of the list of members, and behind it. Both are the same if there is no such list. */
	readonly membersStart: number;
	readonly membersEnd: number;
	/** The offset behind the attributes of the list, which follow the members up to its end. */
	readonly listEnd: number;
}

/** Finds the parts by the lengths in the head. Returns undefined if they do not fit together, or not into the file. */
function partsOf(pieces: FilePieces): Parts | undefined {
	const reader = behindContentType(headOf(pieces), pieces.sizeBytes);
	if (reader === undefined) return undefined;
	try {
		reader.open(context(0));
		reader.open(TAG.SEQUENCE);
		const listEnd = reader.end;
		reader.next(TAG.SEQUENCE); // usage
		reader.next(TAG.OCTET_STRING); // id
		reader.time();
		reader.next(TAG.SEQUENCE); // algorithm
		const membersStart = reader.position;
		if (reader.peek() === TAG.SEQUENCE) reader.next();
		const membersEnd = reader.position;
		if (membersEnd === listEnd) return { membersStart, membersEnd, listEnd };
		const attributes = new DerReader(
			readRange(pieces, membersEnd, Math.min(membersEnd + MAX_HEADER_BYTES, listEnd)),
			"catalog",
			0,
			listEnd - membersEnd,
		);
		attributes.next(context(0));
		return attributes.done ? { membersStart, membersEnd, listEnd } : undefined;
	} catch (error) {
		if (error instanceof SigtoolError && error.code === "ERR_DER") return undefined;
		throw error;
	}
}

const MAX_HEADER_BYTES = 6;

function headOf(pieces: FilePieces): Buffer {
	return readRange(pieces, 0, Math.min(HEAD_BYTES, pieces.sizeBytes));
}

/** The number of bytes in which the members must begin. Before them a catalog has less than 200 bytes. */
const HEAD_BYTES = 4096;

function readRange(pieces: FilePieces, start: number, end: number): Buffer {
	const bytes = Buffer.allocUnsafe(end - start);
	pieces.copy(bytes, 0, start, end);
	return bytes;
}

/** Returns true if the bytes between two offsets contain OWN. */
function contains(pieces: FilePieces, start: number, end: number): boolean {
	return eachWindow(pieces, { start, end, overlap: OWN.length }, (window) => (window.includes(OWN) ? "stop" : "go on"));
}

/** Visits the paths of the members whose names of the path begin in the first `size` bytes of a window. */
function eachPathIn(
	window: Buffer,
	size: number,
	hint: Buffer,
	visit: (path: string) => "stop" | "go on",
): "stop" | "go on" {
	const reader = new DerReader(window, "catalog");
	for (let at = nextPath(window, 0, hint); at !== -1 && at < size; at = nextPath(window, at + 1, hint)) {
		reader.position = at + FILE_PATH.length;
		const path = pathAfterName(reader, window);
		if (path !== undefined && visit(path) === "stop") return "stop";
	}
	return "go on";
}

/** Returns the offset of the next FILE_PATH after which the text `hint` soon follows, or -1. */
function nextPath(window: Buffer, from: number, hint: Buffer): number {
	if (hint.length === 0) return window.indexOf(FILE_PATH, from);
	for (let hit = window.indexOf(hint, from); hit !== -1; hit = window.indexOf(hint, hit + 1)) {
		const near = Math.max(hit - MAX_LEAD_BYTES, from);
		const at = window.subarray(near, hit).lastIndexOf(FILE_PATH);
		if (at !== -1) return near + at;
	}
	return -1;
}

/** Reads the flags and the value of a NameValue. Returns undefined if these bytes are something else. */
function pathAfterName(reader: DerReader, bytes: Buffer): string | undefined {
	try {
		reader.next(TAG.INTEGER);
		reader.next(TAG.OCTET_STRING);
	} catch (error) {
		if (error instanceof SigtoolError) return undefined;
		throw error;
	}
	return bytes.toString("utf16le", reader.valueStart, textEnd(reader)).replaceAll("\\", "/");
}

/** The name of the attribute with a member's path: a BMPString in DER. */
const FILE_PATH = Buffer.concat([Buffer.of(TAG.BMP_STRING, 16), bmpBytes("FilePath")]);

/** The largest size of FILE_PATH, the flags, and the header of the path. */
const MAX_LEAD_BYTES = FILE_PATH.length + 16;
/** The largest size of these and the path in UTF-16. */
const MAX_MEMBER_PATH_BYTES = MAX_LEAD_BYTES + 2 * MAX_PATH_BYTES + 2;

interface Windows {
	readonly start: number;
	readonly end: number;
	/** The number of bytes behind a window's own that it also shows, so that nothing of this length is ever cut off. */
	readonly overlap: number;
}

/**
 * Calls `visit` with one piece after the other and the number of bytes that are its own, until it returns `stop`. Returns
 * true if it did.
 */
function eachWindow(
	pieces: FilePieces,
	{ start, end, overlap }: Windows,
	visit: (window: Buffer, size: number) => "stop" | "go on",
): boolean {
	const window = Buffer.allocUnsafe(Math.min(PIECE_BYTES + overlap, end - start));
	for (let at = start; at < end; at += PIECE_BYTES) {
		const filled = window.subarray(0, Math.min(window.length, end - at));
		pieces.copy(filled, 0, at, at + filled.length);
		if (visit(filled, PIECE_BYTES) === "stop") return true;
	}
	return false;
}

const PIECE_BYTES = 2 ** 20;
