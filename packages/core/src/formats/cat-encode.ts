/**
 * Writing a catalog's list: New-FileCatalog's layout, version 2, in one buffer of exactly the right size.
 *
 * Every length follows from the digests and path lengths, so a first pass adds up sizes and a second one writes. The
 * attributes of a member are a SET OF and stand in the order of their encodings, which is the order of their lengths.
 */

import { createHash } from "node:crypto";
import {
	context,
	encode,
	encodeOid,
	headerSize,
	integer,
	NULL,
	octetString,
	oid,
	sequence,
	setOf,
	TAG,
	time,
	writeHeader,
} from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { ENTRY_KIND, type Manifest } from "../fileset/manifest.js";
import { bmpOctets, CATALOG_OID, MAX_MEMBERS, type NameValue } from "./cat.js";
import { type CatalogFacts, DEFAULT_MODE, encodeFacts, PLAIN_ATTRIBUTE_FLAGS } from "./cat-facts.js";

export interface CatalogEncoding {
	/** Milliseconds since the epoch; whole seconds are written. */
	readonly thisUpdate: number;
}

/**
 * DER of the certificate trust list for a file set. SHA-1 twins are written when the manifest carries SHA-1 digests.
 * The list's id is the hash of the list with the id zeroed, so equal input gives equal octets.
 * @throws ERR_LIMIT
 */
export function encodeCatalog(manifest: Manifest, facts: CatalogFacts, options: CatalogEncoding): Uint8Array {
	const columns = planMembers(manifest, facts.modes);
	const head = Buffer.concat([
		sequence(oid(CATALOG_OID.catalogList)),
		octetString(new Uint8Array(LIST_ID_SIZE)),
		time(options.thisUpdate),
		sequence(oid(CATALOG_OID.memberV2), NULL),
	]);
	const tail = encode(context(0), sequence(...encodeFacts(facts).map(encodeCatalogAttribute)));
	const length = head.length + headerSize(columns.size) + columns.size + tail.length;
	const out = new Uint8Array(headerSize(length) + length);
	let position = writeHeader(out, 0, TAG.SEQUENCE, length);
	const listIdAt = position + sequence(oid(CATALOG_OID.catalogList)).length + 2;
	out.set(head, position);
	position = writeHeader(out, position + head.length, TAG.SEQUENCE, columns.size);
	position = writeMembers(out, position, manifest, columns);
	out.set(tail, position);
	out.set(createHash("sha256").update(out).digest().subarray(0, LIST_ID_SIZE), listIdAt);
	return out;
}

const LIST_ID_SIZE = 16;

/** What the size pass leaves for the writing pass. A row is a SHA-256 member or, behind `twinsFrom`, a SHA-1 twin. */
interface MemberPlan {
	/** Octets of all members together. */
	readonly size: number;
	/** Rows in the order of their tags. */
	readonly order: Uint32Array;
	readonly rows: Rows;
	/** UTF-16 code units of each entry's path. */
	readonly pathUnits: Uint32Array;
	/** Mode to write, or DEFAULT_MODE for none. */
	readonly modes: Uint16Array;
}

interface Rows {
	/** Manifest index of each SHA-256 member. */
	readonly entries: Uint32Array;
	/** First row that is a twin; equal to the number of rows without twins. */
	readonly twinsFrom: number;
	readonly count: number;
}

function planMembers(manifest: Manifest, modeRule: CatalogFacts["modes"]): MemberPlan {
	const rows = memberRows(manifest);
	const pathUnits = new Uint32Array(manifest.count);
	const modes = modeRule === "posix" ? manifest.modes : new Uint16Array(manifest.count).fill(DEFAULT_MODE);
	let size = 0;
	for (let row = 0; row < rows.count; row++) {
		const entry = entryOf(rows, row);
		if (row < rows.twinsFrom) {
			pathUnits[entry] = utf16Units(manifest.pathBytes, manifest.pathOffsets[entry], manifest.pathOffsets[entry + 1]);
		}
		const length = memberLength(manifest, rows, row, pathUnits[entry], modes[entry]);
		size += headerSize(length) + length;
	}
	if (size > 2 ** 31 - 2 ** 16) throw new SigtoolError("ERR_LIMIT", "Cannot write a catalog of more than 2 GiB");
	return { size, order: sortByTag(manifest, rows), rows, pathUnits, modes };
}

/** Links and zero-length files have no digest of their own and are facts of the list, not members. */
function memberRows(manifest: Manifest): Rows {
	const entries = new Uint32Array(manifest.count);
	let members = 0;
	for (let entry = 0; entry < manifest.count; entry++) {
		if (manifest.kinds[entry] !== ENTRY_KIND.link && manifest.sizes[entry] > 0) entries[members++] = entry;
	}
	const count = manifest.sha1Digests === undefined ? members : members * 2;
	if (count > MAX_MEMBERS) {
		throw new SigtoolError("ERR_LIMIT", `Cannot write a catalog of ${count} members: ${MAX_MEMBERS} is the limit`);
	}
	return { entries, twinsFrom: members, count };
}

function entryOf(rows: Rows, row: number): number {
	return rows.entries[row < rows.twinsFrom ? row : row - rows.twinsFrom];
}

/** memcmp order of tags, equal tags by path: a numeric sort of (first four octets, row), then runs of equal prefixes. */
function sortByTag(manifest: Manifest, rows: Rows): Uint32Array {
	const keys = new Float64Array(rows.count);
	for (let row = 0; row < rows.count; row++) {
		const tag = tagOf(manifest, rows, row);
		keys[row] = (tag[0] * 0x1000000 + tag[1] * 0x10000 + tag[2] * 0x100 + tag[3]) * MAX_MEMBERS + row;
	}
	keys.sort();
	const order = new Uint32Array(rows.count);
	for (let i = 0; i < order.length; i++) order[i] = keys[i] % MAX_MEMBERS;
	for (let start = 0; start < order.length; ) {
		let end = start + 1;
		const prefix = Math.floor(keys[start] / MAX_MEMBERS);
		while (end < order.length && Math.floor(keys[end] / MAX_MEMBERS) === prefix) end++;
		if (end - start > 1) {
			order
				.subarray(start, end)
				.sort((a, b) => Buffer.compare(tagOf(manifest, rows, a), tagOf(manifest, rows, b)) || a - b);
		}
		start = end;
	}
	return order;
}

function tagOf(manifest: Manifest, rows: Rows, row: number): Uint8Array {
	const entry = entryOf(rows, row);
	if (row < rows.twinsFrom || manifest.sha1Digests === undefined) {
		return manifest.digests.subarray(entry * 32, entry * 32 + 32);
	}
	return manifest.sha1Digests.subarray(entry * 20, entry * 20 + 20);
}

/** Octets inside a member's SEQUENCE. */
function memberLength(manifest: Manifest, rows: Rows, row: number, pathUnits: number, mode: number): number {
	const twin = row >= rows.twinsFrom;
	const attributes = attributesLength(manifest.kinds[entryOf(rows, row)], twin, pathUnits, mode);
	return 2 + (twin ? 20 : 32) + headerSize(attributes) + attributes;
}

/** Octets inside a member's SET OF attributes. */
function attributesLength(kind: number, twin: boolean, pathUnits: number, mode: number): number {
	const common = MEMBER_INFO[kind].length + nameValueSize(FILE_PATH, pathUnits);
	if (twin) return common;
	return common + INDIRECT_DATA[kind].length + (mode === DEFAULT_MODE ? 0 : nameValueSize(MODE, octal(mode).length));
}

function writeMembers(out: Uint8Array, start: number, manifest: Manifest, plan: MemberPlan): number {
	const { rows, pathUnits, modes } = plan;
	let position = start;
	for (const row of plan.order) {
		const entry = entryOf(rows, row);
		const twin = row >= rows.twinsFrom;
		const kind = manifest.kinds[entry];
		const tag = tagOf(manifest, rows, row);
		const units = pathUnits[entry];
		position = writeHeader(out, position, TAG.SEQUENCE, memberLength(manifest, rows, row, units, modes[entry]));
		position = writeHeader(out, position, TAG.OCTET_STRING, tag.length);
		out.set(tag, position);
		position += tag.length;
		position = writeHeader(out, position, TAG.SET, attributesLength(kind, twin, units, modes[entry]));
		out.set(MEMBER_INFO[kind], position);
		position += MEMBER_INFO[kind].length;
		// Ascending encodings: a mode (56 or 58 octets, behind a path of the same length), indirect data (87 or 95), a path.
		const pathSize = nameValueSize(FILE_PATH, units);
		const hasMode = !twin && modes[entry] !== DEFAULT_MODE;
		const modeSize = hasMode ? nameValueSize(MODE, octal(modes[entry]).length) : 0;
		const indirectSize = twin ? 0 : INDIRECT_DATA[kind].length;
		if (hasMode && modeSize < pathSize) position = writeMode(out, position, modes[entry]);
		if (!twin && indirectSize < pathSize) position = writeIndirectData(out, position, kind, tag);
		position = writePath(out, position, manifest, entry, units);
		if (hasMode && modeSize >= pathSize) position = writeMode(out, position, modes[entry]);
		if (!twin && indirectSize >= pathSize) position = writeIndirectData(out, position, kind, tag);
	}
	return position;
}

function writeIndirectData(out: Uint8Array, position: number, kind: number, digest: Uint8Array): number {
	const template = INDIRECT_DATA[kind];
	out.set(template, position);
	out.set(digest, position + template.length - digest.length);
	return position + template.length;
}

function writeMode(out: Uint8Array, position: number, mode: number): number {
	const text = octal(mode);
	let at = writeNameValueHeaders(out, position, MODE, text.length);
	for (let i = 0; i < text.length; i++, at += 2) out[at] = text.charCodeAt(i);
	return at + 2;
}

/** The path in UTF-16LE with backslashes, and a NUL. */
function writePath(out: Uint8Array, position: number, manifest: Manifest, entry: number, units: number): number {
	const { pathBytes, pathOffsets } = manifest;
	const start = pathOffsets[entry];
	const end = pathOffsets[entry + 1];
	let at = writeNameValueHeaders(out, position, FILE_PATH, units);
	if (units === end - start) {
		for (let i = start; i < end; i++, at += 2) out[at] = pathBytes[i] === SLASH ? BACKSLASH : pathBytes[i];
		return at + 2;
	}
	const text = utf8(pathBytes, start, end).replaceAll("/", "\\");
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		out[at++] = unit & 0xff;
		out[at++] = unit >>> 8;
	}
	return at + 2;
}

/** Octets of SEQUENCE { OID nameValue, SET { SEQUENCE { name, flags, value } } } for a value of `units` and a NUL. */
function nameValueSize(name: Uint8Array, units: number): number {
	const attribute = nameValueLengths(name, units)[0];
	return headerSize(attribute) + attribute;
}

/** Lengths of the attribute, its SET, the SEQUENCE in it, and the value, outermost first. */
function nameValueLengths(name: Uint8Array, units: number): [number, number, number, number] {
	const value = units * 2 + 2;
	const inner = name.length + FLAGS.length + headerSize(value) + value;
	const set = headerSize(inner) + inner;
	return [OID_NAME_VALUE.length + headerSize(set) + set, set, inner, value];
}

/** Everything in front of the value octets. */
function writeNameValueHeaders(out: Uint8Array, position: number, name: Uint8Array, units: number): number {
	const [attribute, set, inner, value] = nameValueLengths(name, units);
	let at = writeHeader(out, position, TAG.SEQUENCE, attribute);
	out.set(OID_NAME_VALUE, at);
	at = writeHeader(out, at + OID_NAME_VALUE.length, TAG.SET, set);
	at = writeHeader(out, at, TAG.SEQUENCE, inner);
	out.set(name, at);
	out.set(FLAGS, at + name.length);
	return writeHeader(out, at + name.length + FLAGS.length, TAG.OCTET_STRING, value);
}

function encodeCatalogAttribute({ name, flags, value }: NameValue): Uint8Array {
	const nameValue = sequence(
		encode(TAG.BMP_STRING, bmpOctets(name)),
		integer(flags),
		octetString(Buffer.from(`${value}\0`, "utf16le")),
	);
	return sequence(oid(CATALOG_OID.nameValue), octetString(nameValue));
}

function utf16Units(bytes: Uint8Array, start: number, end: number): number {
	for (let i = start; i < end; i++) if (bytes[i] >= 0x80) return utf8(bytes, start, end).length;
	return end - start;
}

function utf8(bytes: Uint8Array, start: number, end: number): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8", start, end);
}

function octal(mode: number): string {
	return mode.toString(8).padStart(3, "0");
}

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const OID_NAME_VALUE = oid(CATALOG_OID.nameValue);
const FLAGS = integer(PLAIN_ATTRIBUTE_FLAGS);
const FILE_PATH = encode(TAG.BMP_STRING, bmpOctets("FilePath"));
const MODE = encode(TAG.BMP_STRING, bmpOctets("SigtoolMode"));

/** MemberInfo of version 2 by ENTRY_KIND. */
const MEMBER_INFO = [0x82, 0x80, 0x81].map((tag) => {
	return sequence(oid(CATALOG_OID.memberInfoV2), setOf(encode(tag)));
});

/** SpcIndirectData by ENTRY_KIND, its last 32 octets the digest to fill in. SpcLink is [2] file { [0] "" }. */
const LINK = encode(context(2), encode(0x80));
const INDIRECT_DATA = [
	sequence(oid(CATALOG_OID.flatData), LINK),
	sequence(
		oid(CATALOG_OID.peImageData),
		sequence(encode(TAG.BIT_STRING, Uint8Array.of(5, 0xa0)), encode(context(0), LINK)),
	),
	sequence(oid(CATALOG_OID.cabData), LINK),
].map((typeAndValue) => {
	const sha256 = sequence(encode(TAG.OID, encodeOid("2.16.840.1.101.3.4.2.1")), NULL);
	const content = sequence(typeAndValue, sequence(sha256, octetString(new Uint8Array(32))));
	return sequence(oid(CATALOG_OID.indirectData), setOf(content));
});
