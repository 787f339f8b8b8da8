/** Reads SET OF and SEQUENCE OF from unverified bytes, and limits the number of their elements. */

import { SigtoolError } from "../errors.js";
import type { DerReader } from "./der.js";

/**
 * Reads the next element, which must have the tag `tag`, and the elements that it contains. Each call of `read` reads
 * one contained element. Returns the results of `read` in order.
 * @throws ERR_DER; ERR_LIMIT if the element contains more than `limit` elements
 */
export function readList<T>(reader: DerReader, tag: number, limit: number, read: (reader: DerReader) => T): T[] {
	const items: T[] = [];
	const outer = reader.open(tag);
	while (!reader.done) {
		if (items.length === limit) throw tooLarge(reader, `a list has more than ${limit} elements`);
		items.push(read(reader));
	}
	reader.close(outer);
	return items;
}

/** Makes an ERR_LIMIT that names the input of the reader. */
export function tooLarge(reader: DerReader, reason: string): SigtoolError {
	return new SigtoolError("ERR_LIMIT", `Cannot parse ${reader.what}: ${reason}`);
}
