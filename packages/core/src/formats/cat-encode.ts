/**
 * Encodes a catalog's list in New-FileCatalog's layout, version 2, into one buffer of exactly the right size.
 *
 * Members of the same kind and mode whose paths have the same length differ only in digest, path and carried values.
 * Their common form is encoded once, with holes for these values. A first pass adds up the sizes of the members' forms.
 * A second pass copies the form of each member and fills the holes.
 */

import { createHash } from "node:crypto";
import {
	compareBytes,
	context,
	encode,
	encodeParts,
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
import { DIGEST_ALGORITHMS } from "../digest/algorithms.js";
import { SigtoolError } from "../errors.js";
import { type CarriedAttribute, ENTRY_KIND, entryPathAt, type Manifest } from "../fileset/manifest.js";
import { carriedText, carriedTexts } from "./cat-carried.js";
import { type CatalogFacts, DEFAULT_MODE, encodeFacts, PLAIN_ATTRIBUTE_FLAGS } from "./cat-facts.js";
import {
	CARRIED_ATTRIBUTE,
	CATALOG_OID,
	MAX_CATALOG_ATTRIBUTE_BYTES,
	MAX_MEMBERS,
	type NameValue,
	WHOLE_DIGEST_ATTRIBUTE,
} from "./cat-model.js";
import { bmpBytes } from "./cat-values.js";

export interface CatalogEncoding {
	/** The time of the list in milliseconds since the epoch. Only whole seconds are written. */
	readonly thisUpdate: number;
	/** The list id, 16 bytes. The default is a hash over all that is written, so that equal input gives equal bytes. */
	readonly listId?: Uint8Array;
}

/**
 * Returns the DER of the certificate trust list for a file set. If the manifest has SHA-1 digests, each member has a
 * SHA-1 twin: a second member for the same file.
 * @throws ERR_LIMIT; ERR_ATTRIBUTE_FORMAT for an attribute that cannot be carried
 */
export function encodeCatalog(manifest: Manifest, facts: CatalogFacts, options: CatalogEncoding): Uint8Array {
	const rows = memberRows(manifest);
	const forms = formsOf(manifest, rows, facts.modes);
	const opening = sequence(oid(CATALOG_OID.catalogList));
	const rest = Buffer.concat([time(options.thisUpdate), sequence(oid(CATALOG_OID.memberV2), NULL)]);
	const attributes = encodeFacts(facts);
	// The size of the texts, which are UTF-16, is checked before they are encoded, because encoding takes a lot of memory.
	requireRoom(attributes.reduce((sum, { value }) => sum + 2 * value.length, 0));
	const tail = encode(context(0), encodeParts(TAG.SEQUENCE, attributes.map(encodeCatalogAttribute)));
	requireRoom(tail.length);
	const listId = options.listId ?? listIdOf(manifest, [rest, tail]);
	const head = Buffer.concat([opening, octetString(listId), rest]);
	const size = forms.reduce((sum, form) => sum + form.bytes.length, 0);
	if (size + tail.length > MAX_LIST_BYTES) {
		throw new SigtoolError("ERR_LIMIT", "Cannot write a catalog of more than 2 GiB");
	}
	const length = head.length + headerSize(size) + size + tail.length;
	const out = Buffer.allocUnsafeSlow(headerSize(length) + length); // Every byte is written below.
	const start = writeHeader(out, 0, TAG.SEQUENCE, length);
	out.set(head, start);
	let position = writeHeader(out, start + head.length, TAG.SEQUENCE, size);
	const target = { bytes: out, view: viewOf(out), digests: viewOf(manifest.digests) };
	for (const row of sortByTag(manifest, rows)) {
		writeMember(target, position, manifest, rows, row, forms[row]);
		position += forms[row].bytes.length;
	}
	out.set(tail, position);
	return out;
}

/** Refuses attributes of the list if their size in bytes is more than `parseCatalog` accepts. @throws ERR_LIMIT */
function requireRoom(sizeBytes: number): void {
	if (sizeBytes <= MAX_CATALOG_ATTRIBUTE_BYTES) return;
	const message = "Cannot write a catalog: the names of its links and empty files take more than 256 MiB";
	throw new SigtoolError("ERR_LIMIT", message);
}

/** Returns the default list id. Hashes the columns, because the encoded list is five times as large. */
function listIdOf(manifest: Manifest, parts: readonly Uint8Array[]): Uint8Array {
	const { pathBytes, pathOffsets, kinds, modes, digests, sha1Digests, carried, wholeFiles } = manifest;
	const hash = createHash("sha256");
	for (const part of [...parts, pathOffsets, pathBytes, kinds, modes, digests]) hash.update(part);
	if (sha1Digests !== undefined) hash.update(sha1Digests);
	for (const [entry, { sha256 }] of wholeFiles ?? []) hash.update(`${entry} `).update(sha256);
	for (const [entry, attributes] of carried ?? []) {
		for (const attribute of attributes) hash.update(`${entry} ${carriedText(attribute)}\n`);
	}
	return hash.digest().subarray(0, LIST_ID_SIZE);
}

const LIST_ID_SIZE = 16;
const MAX_LIST_BYTES = 2 ** 31 - 2 ** 16;

/** The rows below `twinsFrom` are SHA-256 members. From there on, row r is the SHA-1 twin of row r - twinsFrom. */
interface Rows {
	/** The manifest index of each SHA-256 member. */
	readonly entries: Uint32Array;
	readonly twinsFrom: number;
	readonly count: number;
}

/** Selects the entries that become members. Links and zero-length files have no digest and become facts of the list. */
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

/**
 * Returns the rows in memcmp order of their tags. Rows with equal tags are in path order. Numbers can be sorted much
 * faster than tags. Therefore a first sort uses one number for each row, made of the first four bytes of the tag and of
 * the row. Whole tags are compared only for rows that have the same first four bytes.
 */
function sortByTag(manifest: Manifest, rows: Rows): Uint32Array {
	const { digests, sha1Digests = digests } = manifest;
	const keys = new Float64Array(rows.count);
	for (let row = 0; row < rows.count; row++) {
		const source = row < rows.twinsFrom ? digests : sha1Digests;
		const at = entryOf(rows, row) * (row < rows.twinsFrom ? 32 : 20);
		const prefix = source[at] * 0x1000000 + source[at + 1] * 0x10000 + source[at + 2] * 0x100 + source[at + 3];
		keys[row] = prefix * MAX_MEMBERS + row;
	}
	keys.sort();
	const order = new Uint32Array(rows.count);
	const byTag = (a: number, b: number) => compareBytes(tagOf(manifest, rows, a), tagOf(manifest, rows, b)) || a - b;
	let runStart = 0;
	let runPrefix = -1;
	for (let i = 0; i <= order.length; i++) {
		const prefix = i < order.length ? Math.floor(keys[i] / MAX_MEMBERS) : -1;
		if (i < order.length) order[i] = keys[i] - prefix * MAX_MEMBERS;
		if (prefix === runPrefix) continue;
		if (i - runStart > 1) order.subarray(runStart, i).sort(byTag);
		runStart = i;
		runPrefix = prefix;
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

/** An encoded member with holes for its digest, path and carried values. */
interface MemberForm {
	readonly bytes: Uint8Array;
	/** The length of the path in UTF-16 code units. */
	readonly pathUnits: number;
	readonly tagAt: number;
	readonly pathAt: number;
	/** The offset of the digest in SpcIndirectData, or 0 for a twin, which has no digest there. */
	readonly digestAt: number;
	/** The offset of the text of `SigtoolSha256`, or 0 if the member has none. */
	readonly wholeDigestAt: number;
	/** The offset of each carried attribute's text. */
	readonly carriedAt: readonly number[];
}

/** Returns the form of each row. */
function formsOf(manifest: Manifest, rows: Rows, modeRule: CatalogFacts["modes"]): MemberForm[] {
	const { pathBytes, pathOffsets, kinds, modes, carried, wholeFiles } = manifest;
	const known = new Map<number | string, MemberForm>();
	const forms: MemberForm[] = [];
	for (let row = 0; row < rows.count; row++) {
		const entry = entryOf(rows, row);
		const twin = row >= rows.twinsFrom ? 1 : 0;
		const units = utf16Units(pathBytes, pathOffsets[entry], pathOffsets[entry + 1]);
		const mode = modeRule === "posix" && twin === 0 ? modes[entry] : DEFAULT_MODE;
		const attributes = carried === undefined || twin === 1 ? undefined : carried.get(entry);
		const whole = twin === 0 && wholeFiles?.has(entry) === true ? 1 : 0;
		const plainKey = (((units * 4 + kinds[entry]) * 2 + twin) * 2 + whole) * 0o10000 + mode;
		const key = attributes === undefined ? plainKey : `${plainKey} ${attributes.map(lengthKey).join(" ")}`;
		let form = known.get(key);
		if (form === undefined) {
			const texts = attributes === undefined ? NO_TEXTS : carriedTexts(attributes, entryPathAt(manifest, entry));
			const role = twin === 1 ? "twin" : whole === 1 ? "member with whole digest" : "member";
			form = encodeForm(kinds[entry], units, mode, role, texts);
			known.set(key, form);
		}
		forms.push(form);
	}
	return forms;
}

/**
 * Returns the name and the length of an attribute, because they determine the form and decide if the attribute can be
 * carried.
 */
function lengthKey({ name, value }: CarriedAttribute): string {
	return `${name}=${value.length}`;
}

const NO_TEXTS: readonly string[] = [];
/** The number of hexadecimal digits of a SHA-256. */
const WHOLE_DIGEST_UNITS = 64;

/**
 * Encodes a form. The order of the attributes depends only on their lengths and names, so that filling the holes cannot
 * change the order. `carried` has one text, with the right name and length, for each carried attribute.
 */
function encodeForm(
	kind: number,
	pathUnits: number,
	mode: number,
	role: "member" | "member with whole digest" | "twin",
	carried: readonly string[],
): MemberForm {
	const path = nameValueAttribute("FilePath", "\0".repeat(pathUnits));
	const indirectData = INDIRECT_DATA[kind];
	const carriedAttributes = carried.map((text) => nameValueAttribute(CARRIED_ATTRIBUTE, text));
	const attributes = [MEMBER_INFO[kind], path, ...carriedAttributes];
	if (role !== "twin") attributes.push(indirectData);
	const wholeDigest = nameValueAttribute(WHOLE_DIGEST_ATTRIBUTE, "\0".repeat(WHOLE_DIGEST_UNITS));
	if (role === "member with whole digest") attributes.push(wholeDigest);
	if (mode !== DEFAULT_MODE) attributes.push(nameValueAttribute("SigtoolMode", mode.toString(8).padStart(3, "0")));
	const tag = octetString(new Uint8Array(role === "twin" ? 20 : 32));
	const set = setOf(...attributes);
	const bytes = sequence(tag, set);
	const tagAt = bytes.length - set.length - tag.length + 2;
	const endOf = (attribute: Uint8Array) => {
		let end = bytes.length;
		for (const other of attributes) if (compareBytes(other, attribute) > 0) end -= other.length;
		return end;
	};
	/** Returns the offset of a text that is followed by a NUL and by the end of its attribute. */
	const textAt = (attribute: Uint8Array, units: number) => endOf(attribute) - units * 2 - 2;
	return {
		bytes,
		pathUnits,
		tagAt,
		pathAt: textAt(path, pathUnits),
		digestAt: role === "twin" ? 0 : endOf(indirectData) - 32,
		wholeDigestAt: role === "member with whole digest" ? textAt(wholeDigest, WHOLE_DIGEST_UNITS) : 0,
		carriedAt: carriedAttributes.map((attribute, index) => textAt(attribute, carried[index].length)),
	};
}

/**
 * The buffer that receives the members, a view of this buffer, and a view of the SHA-256 digests. A DataView moves four
 * bytes as fast as one byte.
 */
interface Target {
	readonly bytes: Buffer;
	readonly view: DataView;
	readonly digests: DataView;
}

function writeMember(
	{ bytes: out, view, digests }: Target,
	position: number,
	manifest: Manifest,
	rows: Rows,
	row: number,
	form: MemberForm,
): void {
	const entry = entryOf(rows, row);
	const { bytes, tagAt, digestAt, pathAt, pathUnits, wholeDigestAt, carriedAt } = form;
	out.set(bytes, position);
	if (row >= rows.twinsFrom) out.set(tagOf(manifest, rows, row), position + tagAt);
	else {
		for (let i = 0; i < 32; i += 4) {
			const word = digests.getUint32(entry * 32 + i);
			view.setUint32(position + tagAt + i, word);
			view.setUint32(position + digestAt + i, word);
		}
	}
	writePath(out, position + pathAt, manifest, entry, pathUnits);
	const whole = wholeDigestAt === 0 ? undefined : manifest.wholeFiles?.get(entry);
	if (whole !== undefined) {
		out.write(Buffer.from(whole.sha256).toString("hex"), position + wholeDigestAt, "utf16le");
	}
	if (carriedAt.length > 0) writeCarried(out, position, carriedAt, manifest.carried?.get(entry) ?? []);
}

function writeCarried(
	out: Buffer,
	position: number,
	carriedAt: readonly number[],
	attributes: readonly CarriedAttribute[],
): void {
	attributes.forEach((attribute, index) => {
		out.write(carriedText(attribute), position + carriedAt[index], "utf16le");
	});
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
	return new DataView(buffer, byteOffset, length);
}

/** Writes the path in UTF-16LE, with backslashes. */
function writePath(out: Uint8Array, position: number, manifest: Manifest, entry: number, units: number): void {
	const { pathBytes, pathOffsets } = manifest;
	const start = pathOffsets[entry];
	const end = pathOffsets[entry + 1];
	if (units === end - start) {
		for (let i = start, at = position; i < end; i++, at += 2)
			out[at] = pathBytes[i] === SLASH ? BACKSLASH : pathBytes[i];
	} else out.set(Buffer.from(utf8(pathBytes, start, end).replaceAll("/", "\\"), "utf16le"), position);
}

function utf16Units(bytes: Uint8Array, start: number, end: number): number {
	for (let i = start; i < end; i++) if (bytes[i] >= 0x80) return utf8(bytes, start, end).length;
	return end - start;
}

function utf8(bytes: Uint8Array, start: number, end: number): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8", start, end);
}

const SLASH = 0x2f;
const BACKSLASH = 0x5c;

function nameValueAttribute(name: string, value: string): Uint8Array {
	return sequence(oid(CATALOG_OID.nameValue), setOf(encodeNameValue(name, PLAIN_ATTRIBUTE_FLAGS, value)));
}

function encodeCatalogAttribute({ name, flags, value }: NameValue): Uint8Array {
	return sequence(oid(CATALOG_OID.nameValue), octetString(encodeNameValue(name, flags, value)));
}

function encodeNameValue(name: string, flags: number, value: string): Uint8Array {
	const text = octetString(Buffer.from(`${value}\0`, "utf16le"));
	return sequence(encode(TAG.BMP_STRING, bmpBytes(name)), integer(flags), text);
}

/** The encoded MemberInfo of version 2 for each ENTRY_KIND, which is the index. */
const MEMBER_INFO = [0x82, 0x80, 0x81].map((tag) => sequence(oid(CATALOG_OID.memberInfoV2), setOf(encode(tag))));

/** The encoded SpcLink ::= CHOICE { …, file [2] EXPLICIT SpcString }, with the empty string as [0] of SpcString. */
const LINK = encode(context(2), encode(0x80));
/**
 * The encoded SpcIndirectData for each ENTRY_KIND, which is the index. The last 32 bytes are the hole for the digest.
 */
const INDIRECT_DATA = [
	sequence(oid(CATALOG_OID.flatData), LINK),
	sequence(
		oid(CATALOG_OID.peImageData),
		sequence(encode(TAG.BIT_STRING, Uint8Array.of(5, 0xa0)), encode(context(0), LINK)),
	),
	sequence(oid(CATALOG_OID.cabData), LINK),
].map((typeAndValue) => {
	const algorithm = sequence(oid(DIGEST_ALGORITHMS.sha256.oid), NULL);
	const content = sequence(typeAndValue, sequence(algorithm, octetString(new Uint8Array(32))));
	return sequence(oid(CATALOG_OID.indirectData), setOf(content));
});
