/** SET OF and SEQUENCE OF from bytes nobody vouches for yet: what is kept of them is bounded. */

import { SigtoolError } from "../errors.js";
import type { DerReader } from "./der.js";

/** Every element of the next one, which must carry `tag`; `read` takes one each time. @throws ERR_DER; ERR_LIMIT past `limit` */
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

/** ERR_LIMIT for what is being read. */
export function tooLarge(reader: DerReader, reason: string): SigtoolError {
	return new SigtoolError("ERR_LIMIT", `Cannot parse ${reader.what}: ${reason}`);
}
