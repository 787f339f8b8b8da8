/**
 * Parses the certificate trust list of a Windows catalog strictly, into columns.
 *
 * Supports catalogs of version 1, in which a member's tag is a SHA-1 in hexadecimal. Supports catalogs of version 2, in
 * which the tag is a SHA-256 in binary, and in which a second member for the same file may have the SHA-1. Supports the
 * attributes NameValue, MemberInfo and SpcIndirectData, and skips other attributes of members. `cat-encode.ts` contains
 * the encoder. docs/reference/catalog-format.md describes the layout byte by byte.
 */

import { context, DerReader, encodeOid, TAG } from "../asn1/der.js";
import { DIGEST_ALGORITHMS } from "../digest/algorithms.js";
import { SigtoolError } from "../errors.js";

/** The object identifiers in a catalog, from Microsoft's arc 1.3.6.1.4.1.311. */
export const CATALOG_OID = {
	certTrustList: "1.3.6.1.4.1.311.10.1",
	catalogList: "1.3.6.1.4.1.311.12.1.1",
	memberV1: "1.3.6.1.4.1.311.12.1.2",
	memberV2: "1.3.6.1.4.1.311.12.1.3",
	nameValue: "1.3.6.1.4.1.311.12.2.1",
	memberInfoV1: "1.3.6.1.4.1.311.12.2.2",
	memberInfoV2: "1.3.6.1.4.1.311.12.2.3",
	indirectData: "1.3.6.1.4.1.311.2.1.4",
	peImageData: "1.3.6.1.4.1.311.2.1.15",
	flatData: "1.3.6.1.4.1.311.2.1.25",
	cabData: "1.3.6.1.4.1.311.2.1.28",
} as const;

/**
 * The kind of file that a digest covers. The kind is `unknown` if the catalog does not state it, as for some SHA-1
 * members.
 */
export const SUBJECT_KIND = { unknown: 0, flat: 1, pe: 2, cab: 3 } as const;
export type SubjectKind = keyof typeof SUBJECT_KIND;

/** An attribute with a name, as Windows writes it into catalogs. */
export interface NameValue {
	readonly name: string;
	/** The CRYPTCAT_ATTR flags. The value 0x10010001 means authenticated plain text. */
	readonly flags: number;
	readonly value: string;
}

/**
 * The members as columns, with a row for each member in the catalog's order. Paths and attributes are decoded on
 * request.
 */
export interface MemberTable {
	readonly count: number;
	/** The digests, 32 bytes for each row. A SHA-1 digest uses the first 20 bytes. */
	readonly digests: Uint8Array;
	/** The size of each digest in bytes, 20 or 32. */
	readonly digestSizes: Uint8Array;
	/** The SUBJECT_KIND of each member. */
	readonly subjectKinds: Uint8Array;
	/**
	 * `pathStarts` and `pathEnds` are the offsets, in the content, of the FilePath's text in UTF-16LE. Both are 0 if
	 * the member has no FilePath.
	 */
	readonly pathStarts: Uint32Array;
	readonly pathEnds: Uint32Array;
	/** The POSIX mode bits (0o7777) recorded with the member, or -1 if none were recorded. */
	readonly modes: Int16Array;
	/** The offset of the text of `SigtoolSha256` in the content, or 0 if the member has none. */
	readonly wholeDigestStarts: Uint32Array;
	/** The number of extended attributes that the member carries. */
	readonly carriedCounts: Uint8Array;
	/** The offset of the member's SET OF attributes in the content. */
	readonly attributeStarts: Uint32Array;
	/**
	 * The value `sorted` means that the members are in the order of their tags. Every known producer writes them in
	 * this order.
	 */
	readonly order: "sorted" | "unsorted";
}

/** The list in a catalog. It is untrusted, unless it is a `Verified<Catalog>`. */
export interface Catalog {
	/** The DER to which the table's offsets refer. */
	readonly bytes: Uint8Array;
	readonly version: 1 | 2;
	/** The list id, 16 bytes. */
	readonly listId: Uint8Array;
	/** The time in milliseconds since the epoch. */
	readonly thisUpdate: number;
	readonly attributes: readonly NameValue[];
	/** The members, which are parsed at the first access. @throws ERR_DER, ERR_CATALOG_FORMAT, ERR_LIMIT */
	readonly members: MemberTable;
}

/** The name of the NameValue attribute with the SHA-256 of a whole image or cabinet, in lower-case hexadecimal. */
export const WHOLE_DIGEST_ATTRIBUTE = "SigtoolSha256";
/** The size in bytes of the text of this attribute, which is in UTF-16. */
const WHOLE_DIGEST_BYTES = 2 * 64;

/** The name of the NameValue attributes that each contain one extended attribute. */
export const CARRIED_ATTRIBUTE = "SigtoolXattr";

/** The largest number of members in a catalog. With more, the sort key of the encoder would not be exact. */
export const MAX_MEMBERS = 2 ** 21;
const MAX_CATALOG_ATTRIBUTES = 2 ** 20;
/**
 * The largest size in bytes of all attributes of a catalog together. Unlike members, attributes are decoded before the
 * signature is verified, and take two to three times their size in memory.
 */
export const MAX_CATALOG_ATTRIBUTE_BYTES = 2 ** 28;
/** The largest number of attribute values of one member. Real catalogs have up to 4. */
export const MAX_MEMBER_ATTRIBUTES = 64;

/**
 * Parses the content of a catalog's SignedData. The members are parsed at the first access. No signature is verified.
 * @throws ERR_DER, ERR_CATALOG_FORMAT, ERR_LIMIT
 */
export function parseCatalog(content: Uint8Array): Catalog {
	const reader = new DerReader(content, "catalog");
	const list = reader.open(TAG.SEQUENCE);
	const usage = reader.open(TAG.SEQUENCE);
	if (reader.oid() !== CATALOG_OID.catalogList) refuse("the list is not a catalog list");
	reader.close(usage);
	const listId = reader.value(TAG.OCTET_STRING);
	if (listId.length !== 16) refuse("the list id is not 16 bytes long");
	const thisUpdate = reader.time();
	const algorithm = reader.open(TAG.SEQUENCE);
	const version = versionOf(reader.oid());
	if (!reader.done) reader.null();
	reader.close(algorithm);
	const membersStart = reader.position;
	// The member list may be missing if a catalog has no members.
	if (reader.peek() === TAG.SEQUENCE) reader.next();
	const membersEnd = reader.position;
	const attributes = reader.done ? [] : parseCatalogAttributes(reader);
	reader.close(list);
	if (!reader.done) reader.fail("unexpected bytes behind the list");
	let members: MemberTable | undefined;
	return {
		bytes: content,
		version,
		listId,
		thisUpdate,
		attributes,
		get members() {
			members ??= parseMembers(new DerReader(content, "catalog", membersStart, membersEnd), version);
			return members;
		},
	};
}

/** Returns a view of a member's digest. */
export function memberDigest(members: MemberTable, index: number): Uint8Array {
	return members.digests.subarray(index * 32, index * 32 + members.digestSizes[index]);
}

/**
 * Returns the SHA-256 of the whole file, which sigtool signs for images and cabinets, or undefined if there is none.
 */
export function memberWholeDigest({ bytes, members }: Catalog, index: number): Uint8Array | undefined {
	const start = members.wholeDigestStarts[index];
	return start === 0 ? undefined : Buffer.from(utf16(bytes, start, start + WHOLE_DIGEST_BYTES), "hex");
}

/** Returns the FilePath of a member as the catalog has it, with backslashes, or undefined if the member has none. */
export function memberFilePath(catalog: Catalog, index: number): string | undefined {
	const { pathStarts, pathEnds } = catalog.members;
	if (pathEnds[index] === pathStarts[index]) return undefined;
	return utf16(catalog.bytes, pathStarts[index], pathEnds[index]);
}

/** Returns the texts of the extended attributes that a member carries, for `parseCarried`. Decodes nothing else. */
export function memberCarriedTexts(catalog: Pick<Catalog, "bytes" | "members">, index: number): string[] {
	const texts: string[] = [];
	if (catalog.members.carriedCounts[index] === 0) return texts;
	const reader = new DerReader(catalog.bytes, "catalog member", catalog.members.attributeStarts[index]);
	const set = reader.open(TAG.SET);
	while (!reader.done) {
		const attribute = reader.open(TAG.SEQUENCE);
		reader.next(TAG.OID);
		const isNameValue = reader.valueEquals(OID_NAME_VALUE);
		const values = reader.open(TAG.SET);
		while (isNameValue && !reader.done) {
			const sequence = reader.open(TAG.SEQUENCE);
			reader.next(TAG.BMP_STRING);
			const isCarried = reader.valueEquals(BMP_CARRIED);
			reader.next(TAG.INTEGER);
			reader.next(TAG.OCTET_STRING);
			if (isCarried) texts.push(utf16(reader.bytes, reader.valueStart, textEnd(reader)));
			reader.leave(sequence);
		}
		reader.leave(values);
		reader.close(attribute);
	}
	reader.leave(set);
	return texts;
}

/**
 * Returns the NameValue attributes of a member. There are at most MAX_MEMBER_ATTRIBUTES, because `members` refuses
 * more.
 */
export function memberAttributes(catalog: Pick<Catalog, "bytes" | "members">, index: number): NameValue[] {
	const attributes: NameValue[] = [];
	const reader = new DerReader(catalog.bytes, "catalog member", catalog.members.attributeStarts[index]);
	const set = reader.open(TAG.SET);
	while (!reader.done) {
		const attribute = reader.open(TAG.SEQUENCE);
		reader.next(TAG.OID);
		const isNameValue = reader.valueEquals(OID_NAME_VALUE);
		const values = reader.open(TAG.SET);
		while (isNameValue && !reader.done) attributes.push(parseNameValue(reader));
		reader.leave(values);
		reader.close(attribute);
	}
	reader.leave(set);
	return attributes;
}

function versionOf(memberList: string): 1 | 2 {
	if (memberList === CATALOG_OID.memberV1) return 1;
	if (memberList === CATALOG_OID.memberV2) return 2;
	return refuse(`unknown member list ${memberList}`);
}

/** Parses a list of members. Each is a SEQUENCE { tag OCTET STRING, SET OF SEQUENCE { OID, SET OF value } }. */
export function parseMembers(reader: DerReader, version: 1 | 2): MemberTable {
	if (reader.done) return tableOf(0);
	const list = reader.open(TAG.SEQUENCE);
	const table = tableOf(countElements(reader));
	const { bytes } = reader;
	let previousStart = 0;
	let previousEnd = 0;
	for (let row = 0; row < table.count; row++) {
		const member = reader.open(TAG.SEQUENCE);
		reader.next(TAG.OCTET_STRING);
		const { valueStart, valueEnd } = reader;
		if (version === 2) copyTag(bytes, valueStart, valueEnd, table, row);
		else decodeHexTag(bytes, valueStart, valueEnd, table, row);
		if (isAbove(bytes, previousStart, previousEnd, valueStart, valueEnd)) table.order = "unsorted";
		previousStart = valueStart;
		previousEnd = valueEnd;
		table.attributeStarts[row] = reader.position;
		const set = reader.open(TAG.SET);
		for (let values = 0; !reader.done; ) {
			values += parseMemberAttribute(reader, table, row);
			if (values > MAX_MEMBER_ATTRIBUTES) {
				const message = `Cannot read catalog: a member has more than ${MAX_MEMBER_ATTRIBUTES} attribute values`;
				throw new SigtoolError("ERR_LIMIT", message);
			}
		}
		reader.close(set);
		reader.close(member);
		checkWholeDigest(table, row);
	}
	reader.close(list);
	return table;
}

/**
 * Returns true if range a comes after range b in memcmp order. In this order a prefix comes before the longer range.
 */
function isAbove(bytes: Uint8Array, aStart: number, aEnd: number, bStart: number, bEnd: number): boolean {
	const length = Math.min(aEnd - aStart, bEnd - bStart);
	for (let i = 0; i < length; i++) {
		if (bytes[aStart + i] !== bytes[bStart + i]) return bytes[aStart + i] > bytes[bStart + i];
	}
	return aEnd - aStart > bEnd - bStart;
}

/** Parses one attribute and returns how many values it adds towards MAX_MEMBER_ATTRIBUTES, at least one. */
function parseMemberAttribute(reader: DerReader, table: MemberTable, row: number): number {
	const attribute = reader.open(TAG.SEQUENCE);
	reader.next(TAG.OID);
	const isNameValue = reader.valueEquals(OID_NAME_VALUE);
	const isIndirectData = !isNameValue && reader.valueEquals(OID_INDIRECT_DATA);
	const isMemberInfo = !isNameValue && !isIndirectData && reader.valueEquals(OID_MEMBER_INFO_V2);
	const values = reader.open(TAG.SET);
	let nameValues = 0;
	if (isNameValue) {
		for (; !reader.done && nameValues <= MAX_MEMBER_ATTRIBUTES; nameValues++) parseMemberNameValue(reader, table, row);
	} else if (isIndirectData) parseIndirectData(reader, table, row);
	else if (isMemberInfo) parseMemberInfo(reader, table, row);
	reader.leave(values);
	reader.close(attribute);
	return Math.max(nameValues, 1);
}

/** Refuses the digest of a whole file for a member whose own digest covers the whole file already, or is SHA-1. */
function checkWholeDigest({ wholeDigestStarts, subjectKinds, digestSizes }: MemberTable, row: number): void {
	if (wholeDigestStarts[row] === 0) return;
	const isPartial = subjectKinds[row] === SUBJECT_KIND.pe || subjectKinds[row] === SUBJECT_KIND.cab;
	if (!isPartial || digestSizes[row] !== 32)
		refuse(`a member carries ${WHOLE_DIGEST_ATTRIBUTE} beside a digest of another kind`);
}

/**
 * Records FilePath, SigtoolMode and SigtoolSha256, counts SigtoolXattr, and skips other attributes without decoding
 * them.
 */
function parseMemberNameValue(reader: DerReader, table: MemberTable, row: number): void {
	const sequence = reader.open(TAG.SEQUENCE);
	reader.next(TAG.BMP_STRING);
	const isPath = reader.valueEquals(BMP_FILE_PATH);
	const isMode = !isPath && reader.valueEquals(BMP_MODE);
	const isWhole = !isPath && !isMode && reader.valueEquals(BMP_WHOLE_DIGEST);
	if (!isPath && !isMode && !isWhole) {
		if (reader.valueEquals(BMP_CARRIED)) table.carriedCounts[row]++;
		requireWholeUnits(reader);
	}
	reader.skipInteger();
	reader.next(TAG.OCTET_STRING);
	requireWholeUnits(reader);
	if (isPath) {
		if (table.pathEnds[row] !== 0) refuse("a member carries two file paths");
		table.pathStarts[row] = reader.valueStart;
		table.pathEnds[row] = textEnd(reader);
		if (table.pathEnds[row] === table.pathStarts[row]) refuse("a member carries an empty file path");
	} else if (isMode) {
		if (table.modes[row] !== -1) refuse("a member carries two modes");
		table.modes[row] = parseMode(utf16(reader.bytes, reader.valueStart, textEnd(reader)));
	} else if (isWhole) {
		if (table.wholeDigestStarts[row] !== 0) refuse(`a member carries ${WHOLE_DIGEST_ATTRIBUTE} twice`);
		const text = utf16(reader.bytes, reader.valueStart, textEnd(reader));
		if (!/^[0-9a-f]{64}$/.test(text)) refuse(`${WHOLE_DIGEST_ATTRIBUTE} of a member is not a digest`);
		table.wholeDigestStarts[row] = reader.valueStart;
	}
	reader.close(sequence);
}

/**
 * Parses the SpcIndirectDataContent of a member, which has the kind of file and a digest. A second one is refused. The
 * digest must be of the algorithm that goes with the size of the tag, and be equal to the tag.
 */
function parseIndirectData(reader: DerReader, table: MemberTable, row: number): void {
	const content = reader.open(TAG.SEQUENCE);
	const data = reader.open(TAG.SEQUENCE);
	reader.next(TAG.OID);
	if (reader.valueEquals(OID_FLAT_DATA)) setSubjectKind(table, row, SUBJECT_KIND.flat);
	else if (reader.valueEquals(OID_PE_IMAGE_DATA)) setSubjectKind(table, row, SUBJECT_KIND.pe);
	else if (reader.valueEquals(OID_CAB_DATA)) setSubjectKind(table, row, SUBJECT_KIND.cab);
	reader.leave(data);
	const digestInfo = reader.open(TAG.SEQUENCE);
	const size = table.digestSizes[row];
	const algorithm = reader.open(TAG.SEQUENCE);
	reader.next(TAG.OID);
	if (!reader.valueEquals(size === 32 ? OID_SHA256 : OID_SHA1))
		refuse("a member's digest is not of the algorithm it names");
	if (!reader.done) reader.null();
	reader.close(algorithm);
	reader.next(TAG.OCTET_STRING);
	if (reader.valueEnd - reader.valueStart !== size) refuse("a member's tag and digest differ in length");
	const { bytes, valueStart } = reader;
	const { digests } = table;
	for (let i = 0; i < size; i++) {
		if (bytes[valueStart + i] !== digests[row * 32 + i]) refuse("a member's tag is not its digest");
	}
	reader.close(digestInfo);
	reader.close(content);
	if (!reader.done) refuse("a member has two values of SpcIndirectData");
}

/** Parses MemberInfo of version 2, which is one empty context-specific element: [0] PE, [1] CAB, [2] flat. */
function parseMemberInfo(reader: DerReader, table: MemberTable, row: number): void {
	reader.next();
	if (reader.tag === 0x80) setSubjectKind(table, row, SUBJECT_KIND.pe);
	else if (reader.tag === 0x81) setSubjectKind(table, row, SUBJECT_KIND.cab);
	else if (reader.tag === 0x82) setSubjectKind(table, row, SUBJECT_KIND.flat);
}

/** Records the kind of file. MemberInfo and SpcIndirectData both state it and must agree. */
function setSubjectKind(table: MemberTable, row: number, kind: number): void {
	const known = table.subjectKinds[row];
	if (known !== SUBJECT_KIND.unknown && known !== kind) refuse("a member contradicts itself about its kind of file");
	table.subjectKinds[row] = kind;
}

/** Parses [0] EXPLICIT SEQUENCE OF SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING { NameValue } }. */
function parseCatalogAttributes(reader: DerReader): NameValue[] {
	const attributes: NameValue[] = [];
	const tagged = reader.open(context(0));
	const extensions = reader.open(TAG.SEQUENCE);
	if (reader.end - reader.position > MAX_CATALOG_ATTRIBUTE_BYTES) {
		throw new SigtoolError("ERR_LIMIT", "Cannot read catalog: its attributes have more than 256 MiB");
	}
	for (let count = 0; !reader.done; count++) {
		if (count === MAX_CATALOG_ATTRIBUTES) {
			throw new SigtoolError("ERR_LIMIT", `Cannot read catalog: more than ${MAX_CATALOG_ATTRIBUTES} attributes`);
		}
		const extension = reader.open(TAG.SEQUENCE);
		const isNameValue = reader.oid() === CATALOG_OID.nameValue;
		if (reader.peek() === TAG.BOOLEAN && reader.boolean() && !isNameValue) refuse("unknown critical extension");
		const value = reader.open(TAG.OCTET_STRING);
		if (isNameValue) attributes.push(parseNameValue(reader));
		reader.leave(value);
		reader.close(extension);
	}
	reader.close(extensions);
	reader.close(tagged);
	return attributes;
}

/** Parses SEQUENCE { BMPString name, INTEGER flags, OCTET STRING value }. The value is NUL-terminated UTF-16LE. */
function parseNameValue(reader: DerReader): NameValue {
	const sequence = reader.open(TAG.SEQUENCE);
	const name = bmp(reader.value(TAG.BMP_STRING), reader);
	const flags = reader.integer();
	reader.next(TAG.OCTET_STRING);
	requireWholeUnits(reader);
	const value = utf16(reader.bytes, reader.valueStart, textEnd(reader));
	reader.close(sequence);
	return { name, flags, value };
}

/** Parses the octal digits of `SigtoolMode`, at most 7777. @throws ERR_CATALOG_FORMAT */
export function parseMode(text: string): number {
	if (!/^[0-7]{1,4}$/.test(text)) refuse("a recorded mode is not octal");
	return Number.parseInt(text, 8);
}

function copyTag(bytes: Uint8Array, start: number, end: number, table: MemberTable, row: number): void {
	const size = end - start;
	if (size !== 32 && size !== 20) refuse(`a tag of ${size} bytes`);
	table.digestSizes[row] = size;
	const { digests } = table;
	for (let i = 0; i < size; i++) digests[row * 32 + i] = bytes[start + i];
}

/** Decodes a tag of version 1: 40 upper-case hexadecimal digits and a NUL in UTF-16LE, 82 bytes. */
function decodeHexTag(bytes: Uint8Array, start: number, end: number, table: MemberTable, row: number): void {
	if (end - start !== 82) refuse(`a tag of ${end - start} bytes`);
	const text = utf16(bytes, start, end);
	if (!/^[0-9A-F]{40}\0$/.test(text)) refuse("a tag is not a hexadecimal digest");
	table.digestSizes[row] = 20;
	table.digests.set(Buffer.from(text.slice(0, 40), "hex"), row * 32);
}

/** Returns the end of the text in the OCTET STRING that was read last, without its terminating NUL if it has one. */
function textEnd(reader: DerReader): number {
	const { bytes, valueStart, valueEnd } = reader;
	const terminated = valueEnd - valueStart >= 2 && bytes[valueEnd - 1] === 0 && bytes[valueEnd - 2] === 0;
	return terminated ? valueEnd - 2 : valueEnd;
}

function requireWholeUnits(reader: DerReader): void {
	if ((reader.valueEnd - reader.valueStart) % 2 !== 0) refuse("half a UTF-16 code unit");
}

/** Counts the remaining elements of the element in which the cursor is, and puts the cursor back. */
function countElements(reader: DerReader): number {
	const start = reader.position;
	let count = 0;
	while (!reader.done) {
		reader.next();
		if (++count > MAX_MEMBERS) {
			throw new SigtoolError("ERR_LIMIT", `Cannot read catalog: more than ${MAX_MEMBERS} members`);
		}
	}
	reader.position = start;
	return count;
}

function tableOf(count: number): MemberTable & { order: "sorted" | "unsorted" } {
	return {
		count,
		digests: new Uint8Array(count * 32),
		digestSizes: new Uint8Array(count),
		subjectKinds: new Uint8Array(count),
		pathStarts: new Uint32Array(count),
		pathEnds: new Uint32Array(count),
		modes: new Int16Array(count).fill(-1),
		wholeDigestStarts: new Uint32Array(count),
		carriedCounts: new Uint8Array(count),
		attributeStarts: new Uint32Array(count),
		order: "sorted",
	};
}

function utf16(bytes: Uint8Array, start: number, end: number): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf16le", start, end);
}

/** Decodes a BMPString, which is UTF-16 in big-endian order. */
function bmp(bytes: Uint8Array, reader: DerReader): string {
	if (bytes.length % 2 !== 0) reader.fail("BMPString of odd length");
	return Buffer.from(bytes).swap16().toString("utf16le");
}

function refuse(reason: string): never {
	throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot read catalog: ${reason}`);
}

/** Returns the bytes of a text as a BMPString. */
export function bmpBytes(text: string): Uint8Array {
	return Buffer.from(text, "utf16le").swap16();
}

const BMP_FILE_PATH = bmpBytes("FilePath");
const BMP_MODE = bmpBytes("SigtoolMode");
const BMP_WHOLE_DIGEST = bmpBytes(WHOLE_DIGEST_ATTRIBUTE);
const BMP_CARRIED = bmpBytes(CARRIED_ATTRIBUTE);
const OID_NAME_VALUE = encodeOid(CATALOG_OID.nameValue);
const OID_MEMBER_INFO_V2 = encodeOid(CATALOG_OID.memberInfoV2);
const OID_INDIRECT_DATA = encodeOid(CATALOG_OID.indirectData);
const OID_SHA256 = encodeOid(DIGEST_ALGORITHMS.sha256.oid);
const OID_SHA1 = encodeOid(DIGEST_ALGORITHMS.sha1.oid);
const OID_FLAT_DATA = encodeOid(CATALOG_OID.flatData);
const OID_PE_IMAGE_DATA = encodeOid(CATALOG_OID.peImageData);
const OID_CAB_DATA = encodeOid(CATALOG_OID.cabData);
