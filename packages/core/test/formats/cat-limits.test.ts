import { expect, test } from "vitest";
import { encode, integer, NULL, octetString, oid, sequence, TAG, time } from "../../dist/asn1/der.js";
import {
	bmpBytes,
	CATALOG_OID,
	MAX_MEMBER_ATTRIBUTES,
	memberAttributes,
	parseCatalog,
} from "../../dist/formats/cat.js";

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
