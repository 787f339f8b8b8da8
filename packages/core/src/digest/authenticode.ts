/**
 * Finds the bytes of a PE image or a cabinet that an Authenticode digest covers.
 *
 * Supports PE32 and PE32+ with a security directory. Supports cabinets (MSCF) that do not continue another cabinet, and
 * that are unsigned or have the reserve of 20 bytes that a signature needs. A file that starts like an image or a
 * cabinet but is not well-formed is hashed as a whole, so that a malformed header never excludes a byte. The sources
 * are Microsoft's "Windows Authenticode Portable Executable Signature Format" (2008) and "Microsoft Cabinet Format". If
 * these documents leave a choice, this module behaves like osslsigncode 2.9.
 */

import { createHash } from "node:crypto";

export interface AuthenticodeParts {
	readonly kind: "pe" | "cab";
	/** The covered bytes as ranges [start, end), in ascending order. */
	readonly ranges: readonly (readonly [start: number, end: number])[];
	/** The number of zero bytes that are hashed behind the last range. */
	readonly padding: number;
	/**
	 * The range from the end of the last covered range to the end of the file. It has the signatures, and is absent if
	 * the file has none.
	 */
	readonly signatures?: readonly [start: number, end: number];
}

/**
 * Returns the bytes [offset, offset + length) of the file, or fewer bytes if the file ends before. The result may be a
 * view of memory that others use, so it must not be changed.
 */
export type ReadAt = (offset: number, length: number) => Uint8Array;

/**
 * Returns the covered parts, or undefined if the whole file has to be hashed. `sizeBytes` is the size of the file.
 */
export function authenticodeParts(sizeBytes: number, readAt: ReadAt): AuthenticodeParts | undefined {
	if (sizeBytes < 64) return undefined;
	const head = readAt(0, 64);
	if (head.length !== 64) return undefined;
	const view = viewOf(head);
	if (view.getUint16(0, true) === MZ) return imageParts(sizeBytes, view.getUint32(60, true), readAt);
	if (view.getUint32(0, true) === MSCF) return cabinetParts(sizeBytes, view);
	return undefined;
}

/**
 * Returns the digest that a catalog has for a file with this content. For an image or a cabinet, this is the digest of
 * the parts that Authenticode covers. For any other file, it is the digest of all bytes.
 */
export function contentDigest(
	content: Uint8Array,
	algorithm: "sha1" | "sha256",
): { readonly kind: "file" | "pe" | "cab"; readonly digest: Uint8Array } {
	const parts = authenticodeParts(content.length, (offset, length) => content.subarray(offset, offset + length));
	const hash = createHash(algorithm);
	for (const [start, end] of parts?.ranges ?? [[0, content.length]]) hash.update(content.subarray(start, end));
	return { kind: parts?.kind ?? "file", digest: hash.update(new Uint8Array(parts?.padding ?? 0)).digest() };
}

/**
 * Returns the range of each SignedData in the bytes `signatures`. Returns undefined if these bytes contain anything
 * else, such as an appended zip. In an image, each SignedData is the content of a WIN_CERTIFICATE of type
 * PKCS_SIGNED_DATA. In a cabinet, there is one SignedData without such a header. Only the first bytes of each
 * SignedData are read here, so the caller must parse the rest. The sources are those of this module, and wintrust.h.
 */
export function signedDataIn({ kind, signatures }: AuthenticodeParts, readAt: ReadAt): readonly Range[] | undefined {
	if (signatures === undefined) return [];
	const [start, end] = signatures;
	if (kind === "cab") {
		const found = signedDataAt(start, end, readAt);
		return found && [found];
	}
	const all: Range[] = [];
	let position = start;
	while (position < end && all.length < MAX_WIN_CERTIFICATES) {
		const certificate = readWinCertificate(position, end, readAt);
		if (certificate === undefined) return undefined;
		all.push(certificate.signedData);
		position = certificate.next;
	}
	return position === end ? all : undefined;
}

/** The offsets of the first byte and of the byte behind the last one. */
export type Range = readonly [start: number, end: number];

/** The first byte of every file that `authenticodeParts` can recognise: the M of MZ and MSCF. */
export const AUTHENTICODE_FIRST_BYTE = 0x4d;

const MZ = 0x5a4d;
const MSCF = 0x4643534d;

const PE_SIGNATURE = 0x4550;
const PE32 = 0x10b;
const PE32_PLUS = 0x20b;
/**
 * The size in bytes of the PE signature, the COFF header, and an optional header up to the end of the security
 * directory entry of PE32+.
 */
const PE_HEADER_SIZE = 176;

/**
 * Returns parts that cover everything but the checksum, the security directory entry, and the certificate table to
 * which this entry points. The table must end at the end of the file (MS12-024). A table elsewhere is covered like any
 * other content. Returns undefined for a table that overlaps the headers, and for an image that is not well-formed.
 */
function imageParts(sizeBytes: number, peOffset: number, readAt: ReadAt): AuthenticodeParts | undefined {
	if (peOffset < 44 || peOffset + PE_HEADER_SIZE > sizeBytes) return undefined;
	const header = readAt(peOffset, PE_HEADER_SIZE);
	if (header.length !== PE_HEADER_SIZE) return undefined;
	const view = viewOf(header);
	if (view.getUint32(0, true) !== PE_SIGNATURE) return undefined;
	const magic = view.getUint16(24, true);
	if (magic !== PE32 && magic !== PE32_PLUS) return undefined;
	const wide = magic === PE32_PLUS ? 16 : 0;
	const directoryEntries = view.getUint32(116 + wide, true);
	if (directoryEntries < 5) return undefined;
	const tableStart = view.getUint32(152 + wide, true);
	const tableSize = view.getUint32(156 + wide, true);
	const checksum = peOffset + 88;
	const securityDirectory = peOffset + 152 + wide;
	const isSigned = tableStart !== 0 && tableSize !== 0 && tableStart + tableSize === sizeBytes;
	if (isSigned && tableStart < securityDirectory + 8) return undefined;
	const end = isSigned ? tableStart : sizeBytes;
	return {
		kind: "pe",
		ranges: [
			[0, checksum],
			[checksum + 4, securityDirectory],
			[securityDirectory + 8, end],
		],
		padding: isSigned ? 0 : (8 - (end % 8)) % 8,
		...(isSigned ? { signatures: [end, sizeBytes] as const } : {}),
	};
}

const FLAG_PREVIOUS_CABINET = 1;
const FLAG_RESERVE_PRESENT = 4;
/**
 * A signed cabinet has these values: the fields cbCFHeader (20), cbCFFolder (0) and cbCFData (0) read as one number,
 * and the first four bytes of the reserve.
 */
const SIGNATURE_RESERVE_SIZES = 20;
const SIGNATURE_RESERVE_WORD = 0x00100000;

/**
 * Returns parts that cover a cabinet except reserved1 (bytes 4–7). For a signed cabinet, bytes 34–55 (iCabinet, the
 * sizes of the reserve, and the first 16 bytes of the reserve) and the signature at the end of the file are left out as
 * well. Returns undefined for a cabinet that is not well-formed or not supported.
 */
function cabinetParts(sizeBytes: number, view: DataView): AuthenticodeParts | undefined {
	const flags = view.getUint16(30, true);
	if (view.getUint32(4, true) !== 0 || (flags & FLAG_PREVIOUS_CABINET) !== 0) return undefined;
	const ranges: [number, number][] = [[0, 4]];
	if ((flags & FLAG_RESERVE_PRESENT) === 0) {
		ranges.push([8, sizeBytes]);
		return { kind: "cab", ranges, padding: 0 };
	}
	if (view.getUint32(36, true) !== SIGNATURE_RESERVE_SIZES) return undefined;
	if (view.getUint32(40, true) !== SIGNATURE_RESERVE_WORD) return undefined;
	const firstFile = view.getUint32(16, true);
	const signatureStart = view.getUint32(44, true);
	const signatureSize = view.getUint32(48, true);
	if (signatureSize === 0 || signatureStart + signatureSize !== sizeBytes) return undefined;
	if (firstFile < 60 || firstFile >= signatureStart) return undefined;
	ranges.push([8, 34], [56, signatureStart]);
	return { kind: "cab", ranges, padding: 0, signatures: [signatureStart, sizeBytes] };
}

/** The largest number of certificates in one image. Real images have one or two. */
const MAX_WIN_CERTIFICATES = 64;
const WIN_CERTIFICATE_HEADER_SIZE = 8;
const WIN_CERTIFICATE_REVISIONS: readonly number[] = [0x100, 0x200];
const WIN_CERTIFICATE_PKCS_SIGNED_DATA = 2;
/** Certificates start at multiples of this many bytes, and zeros fill the gaps. */
const ALIGNMENT = 8;

interface WinCertificate {
	readonly signedData: Range;
	/** The offset behind the certificate and the zeros that follow it. */
	readonly next: number;
}

/** Returns undefined if the WIN_CERTIFICATE at `start` is not well-formed. */
function readWinCertificate(start: number, end: number, readAt: ReadAt): WinCertificate | undefined {
	const header = readAt(start, WIN_CERTIFICATE_HEADER_SIZE);
	if (header.length !== WIN_CERTIFICATE_HEADER_SIZE) return undefined;
	const view = viewOf(header);
	const length = view.getUint32(0, true);
	const next = start + Math.ceil(length / ALIGNMENT) * ALIGNMENT;
	if (length <= WIN_CERTIFICATE_HEADER_SIZE || next > end) return undefined;
	if (!WIN_CERTIFICATE_REVISIONS.includes(view.getUint16(4, true))) return undefined;
	if (view.getUint16(6, true) !== WIN_CERTIFICATE_PKCS_SIGNED_DATA) return undefined;
	const signedData = signedDataAt(start + WIN_CERTIFICATE_HEADER_SIZE, start + length, readAt);
	return signedData && isZero(start + length, next, readAt) ? { signedData, next } : undefined;
}

/** The OBJECT IDENTIFIER 1.2.840.113549.1.7.2, with which the ContentInfo of a SignedData begins. */
const SIGNED_DATA = Buffer.from("06092a864886f70d010702", "hex");

/**
 * Returns the range of the ContentInfo at `start`, which must contain a SignedData. Up to `end`, only zeros may follow,
 * and fewer than ALIGNMENT of them. Returns undefined for anything else.
 */
function signedDataAt(start: number, end: number, readAt: ReadAt): Range | undefined {
	const head = readAt(start, 6);
	if (head.length !== 6 || head[0] !== 0x30) return undefined;
	const lengthBytes = head[1] < 0x80 ? 0 : head[1] - 0x80;
	if (lengthBytes > 4 || head[1] === 0x80) return undefined;
	let length = lengthBytes === 0 ? head[1] : 0;
	for (let i = 0; i < lengthBytes; i++) length = length * 256 + head[2 + i];
	const content = start + 2 + lengthBytes;
	const padding = end - content - length;
	if (padding < 0 || padding >= ALIGNMENT || length < SIGNED_DATA.length) return undefined;
	const isSignedData = SIGNED_DATA.equals(readAt(content, SIGNED_DATA.length));
	return isSignedData && isZero(content + length, end, readAt) ? [start, content + length] : undefined;
}

function isZero(start: number, end: number, readAt: ReadAt): boolean {
	const bytes = readAt(start, end - start);
	return bytes.length === end - start && bytes.every((byte) => byte === 0);
}

function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
