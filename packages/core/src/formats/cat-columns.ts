/**
 * Parses the members of a catalog into columns. A catalog has up to two million members, so no object is made for a
 * member, and what is not needed at once is skipped without being decoded.
 */

import { type DerReader, encodeOid, TAG } from "../asn1/der.js";
import { DIGEST_ALGORITHMS } from "../digest/algorithms.js";
import { SigtoolError } from "../errors.js";
import {
	CATALOG_OID,
	MAX_MEMBER_ATTRIBUTES,
	MAX_MEMBERS,
	type MemberTable,
	SUBJECT_KIND,
	WHOLE_DIGEST_ATTRIBUTE,
} from "./cat-model.js";
import {
	BMP_CARRIED,
	bmpBytes,
	OID_NAME_VALUE,
	parseMode,
	refuse,
	requireWholeUnits,
	textEnd,
	utf16,
} from "./cat-values.js";

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

const BMP_FILE_PATH = bmpBytes("FilePath");
const BMP_MODE = bmpBytes("SigtoolMode");
const BMP_WHOLE_DIGEST = bmpBytes(WHOLE_DIGEST_ATTRIBUTE);
const OID_MEMBER_INFO_V2 = encodeOid(CATALOG_OID.memberInfoV2);
const OID_INDIRECT_DATA = encodeOid(CATALOG_OID.indirectData);
const OID_SHA256 = encodeOid(DIGEST_ALGORITHMS.sha256.oid);
const OID_SHA1 = encodeOid(DIGEST_ALGORITHMS.sha1.oid);
const OID_FLAT_DATA = encodeOid(CATALOG_OID.flatData);
const OID_PE_IMAGE_DATA = encodeOid(CATALOG_OID.peImageData);
const OID_CAB_DATA = encodeOid(CATALOG_OID.cabData);
