import { expect, test } from "vitest";
import {
	context,
	encode,
	headerSize,
	integer,
	NULL,
	octetString,
	oid,
	sequence,
	TAG,
	time,
	writeHeader,
} from "../../dist/asn1/der.js";
import { parseCatalog } from "../../dist/formats/cat.js";
import { encodeCatalog } from "../../dist/formats/cat-encode.js";
import { memberAttributes } from "../../dist/formats/cat-member.js";
import { CATALOG_OID, MAX_CATALOG_ATTRIBUTE_BYTES, MAX_MEMBER_ATTRIBUTES } from "../../dist/formats/cat-model.js";
import { bmpBytes } from "../../dist/formats/cat-values.js";

test("refuses a member with more than 64 attribute values, in one attribute or in many", () => {
	const nameValue = sequence(
		encode(TAG.BMP_STRING, bmpBytes("Name")),
		integer(0),
		octetString(Buffer.from("v", "utf16le")),
	);
	const attribute = (values: number) => {
		return sequence(oid(CATALOG_OID.nameValue), encode(TAG.SET, ...Array.from({ length: values }, () => nameValue)));
	};
	const other = sequence(oid("1.2.3"), encode(TAG.SET));
	const read = (...attributes: Uint8Array[]) => {
		const catalog = parseCatalog(listOf(sequence(octetString(new Uint8Array(32)), encode(TAG.SET, ...attributes))));
		return { count: catalog.members.count, attributes: memberAttributes(catalog, 0) };
	};
	expect(read(attribute(MAX_MEMBER_ATTRIBUTES)).attributes).toHaveLength(MAX_MEMBER_ATTRIBUTES);
	for (const { kind, times } of [
		{ kind: attribute(1), times: 65 },
		{ kind: attribute(0), times: 65 },
		{ kind: attribute(13), times: 5 },
		{ kind: attribute(1000), times: 1 },
		{ kind: other, times: 65 },
	]) {
		const attributes = Array.from({ length: times }, () => kind);
		expect(() => read(...attributes)).toThrowError(expect.objectContaining({ code: "ERR_LIMIT" }));
	}
});

test("13 (hostile input): refuses attributes of more than 256 MiB before it decodes them, and writes none", () => {
	const refusal = expect.objectContaining({ code: "ERR_LIMIT", message: expect.stringContaining("256 MiB") });
	// The attributes consist of zero bytes, which are no DER. So ERR_DER shows that the limit did not refuse them.
	expect(() => parseCatalog(listWithAttributes(MAX_CATALOG_ATTRIBUTE_BYTES + 1))).toThrowError(refusal);
	const decoded = () => parseCatalog(listWithAttributes(MAX_CATALOG_ATTRIBUTE_BYTES));
	expect(decoded).toThrowError(expect.objectContaining({ code: "ERR_DER" }));

	const none = {
		root: "/",
		count: 0,
		pathBytes: Buffer.alloc(0),
		pathOffsets: new Uint32Array(1),
		kinds: new Uint8Array(0),
		modes: new Uint16Array(0),
		sizes: new Float64Array(0),
		digestBytes: 32,
		digests: Buffer.alloc(0),
		linkTargets: new Map(),
		ignoredCount: 0,
		problems: [],
	};
	const rules = { modes: "none", links: "record", caseCollisions: "refuse", scope: "root", include: [] } as const;
	const facts = { ...rules, emptyFiles: new Map(), symbolicLinks: new Map() };
	const write = (units: number) => encodeCatalog(none, { ...facts, ignore: ["x".repeat(units)] }, { thisUpdate: 0 });
	expect(() => write(MAX_CATALOG_ATTRIBUTE_BYTES / 2)).toThrowError(refusal);
	expect(write(1000).length).toBeGreaterThan(2000);
});

/**
 * Returns a list without members, whose attributes are `size` zero bytes. The kernel provides no memory for zero bytes
 * that nothing reads or writes.
 */
function listWithAttributes(size: number): Uint8Array {
	const head = Buffer.concat([
		sequence(oid(CATALOG_OID.catalogList)),
		octetString(new Uint8Array(16)),
		time(0),
		sequence(oid(CATALOG_OID.memberV2), NULL),
	]);
	const inner = headerSize(size) + size;
	const total = head.length + headerSize(inner) + inner;
	const list = Buffer.alloc(headerSize(total) + total);
	let at = writeHeader(list, 0, TAG.SEQUENCE, total);
	at += head.copy(list, at);
	at = writeHeader(list, at, context(0), inner);
	writeHeader(list, at, TAG.SEQUENCE, size);
	return list;
}

/** Returns a catalog list of version 2 with one member. */
function listOf(member: Uint8Array): Uint8Array {
	return sequence(
		sequence(oid(CATALOG_OID.catalogList)),
		octetString(new Uint8Array(16)),
		time(0),
		sequence(oid(CATALOG_OID.memberV2), NULL),
		sequence(member),
	);
}
