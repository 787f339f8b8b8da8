/**
 * Parses the certificate trust list of a Windows catalog strictly, into columns.
 *
 * Supports catalogs of version 1, in which a member's tag is a SHA-1 in hexadecimal. Supports catalogs of version 2, in
 * which the tag is a SHA-256 in binary, and in which a second member for the same file may have the SHA-1. Supports the
 * attributes NameValue, MemberInfo and SpcIndirectData, and skips other attributes of members.
 *
 * `cat-columns.ts` parses the members, `cat-member.ts` reads one of them, and `cat-encode.ts` contains the encoder.
 * docs/reference/catalog-format.md describes the layout byte by byte.
 */

import { context, DerReader, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { parseMembers } from "./cat-columns.js";
import {
	CATALOG_OID,
	type Catalog,
	MAX_CATALOG_ATTRIBUTE_BYTES,
	type MemberTable,
	type NameValue,
} from "./cat-model.js";
import { parseNameValue, refuse } from "./cat-values.js";

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

function versionOf(memberList: string): 1 | 2 {
	if (memberList === CATALOG_OID.memberV1) return 1;
	if (memberList === CATALOG_OID.memberV2) return 2;
	return refuse(`unknown member list ${memberList}`);
}

/**
 * Parses the attributes of a list: [0] EXPLICIT SEQUENCE OF SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING {
 * NameValue } }.
 * @throws ERR_DER, ERR_CATALOG_FORMAT, ERR_LIMIT
 */
export function parseCatalogAttributes(reader: DerReader): NameValue[] {
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

const MAX_CATALOG_ATTRIBUTES = 2 ** 20;
