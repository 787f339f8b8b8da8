/** Reads single members of a catalog whose members were parsed into columns. */

import { DerReader, TAG } from "../asn1/der.js";
import type { Catalog, MemberTable, NameValue } from "./cat-model.js";
import { BMP_CARRIED, OID_NAME_VALUE, parseNameValue, textEnd, utf16 } from "./cat-values.js";

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
	eachNameValue(catalog, index, (reader) => {
		const sequence = reader.open(TAG.SEQUENCE);
		reader.next(TAG.BMP_STRING);
		const isCarried = reader.valueEquals(BMP_CARRIED);
		reader.next(TAG.INTEGER);
		reader.next(TAG.OCTET_STRING);
		if (isCarried) texts.push(utf16(reader.bytes, reader.valueStart, textEnd(reader)));
		reader.leave(sequence);
	});
	return texts;
}

/**
 * Returns the NameValue attributes of a member. There are at most MAX_MEMBER_ATTRIBUTES, because `members` refuses
 * more.
 */
export function memberAttributes(catalog: Pick<Catalog, "bytes" | "members">, index: number): NameValue[] {
	const attributes: NameValue[] = [];
	eachNameValue(catalog, index, (reader) => attributes.push(parseNameValue(reader)));
	return attributes;
}

/** Calls `read` with the reader before each NameValue attribute of a member. `read` must read exactly that attribute. */
function eachNameValue(
	{ bytes, members }: Pick<Catalog, "bytes" | "members">,
	index: number,
	read: (reader: DerReader) => void,
): void {
	const reader = new DerReader(bytes, "catalog member", members.attributeStarts[index]);
	const set = reader.open(TAG.SET);
	while (!reader.done) {
		const attribute = reader.open(TAG.SEQUENCE);
		reader.next(TAG.OID);
		const isNameValue = reader.valueEquals(OID_NAME_VALUE);
		const values = reader.open(TAG.SET);
		while (isNameValue && !reader.done) read(reader);
		reader.leave(values);
		reader.close(attribute);
	}
	reader.leave(set);
}

/** The size in bytes of the text of this attribute, which is in UTF-16. */
const WHOLE_DIGEST_BYTES = 2 * 64;
