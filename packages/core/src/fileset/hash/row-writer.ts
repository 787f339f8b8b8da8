/** Adds entries to the shared rows in path order. Only the walking thread may add entries. */

import { SigtoolError } from "../../errors.js";
import { ENTRY_KIND } from "../manifest.js";
import { bufferOver, ROW_STATE, type SharedRows } from "./shared-rows.js";

export interface RowWriter {
	readonly count: number;
	/** Adds the files `prefix + name` for the threads to hash. @throws ERR_LIMIT */
	addFiles(prefix: string, names: readonly string[]): void;
	/** Adds a symbolic link and returns its row. @throws ERR_LIMIT */
	addLink(path: string): number;
	/** Adds the files `prefix + name` that nobody has to open. @throws ERR_LIMIT */
	addUnread(prefix: string, names: readonly string[]): void;
	/** Adds the file of a followed link, for `toManifest()` to hash. Returns its row. @throws ERR_LIMIT */
	addElsewhere(path: string): number;
}

export function createRowWriter(rows: SharedRows): RowWriter {
	const { pathOffsets, states, kinds, modes } = rows;
	const paths = bufferOver(rows.pathBytes);
	const mostRows = states.length;
	let count = 0;
	let end = 0;

	function addFiles(prefix: string, names: readonly string[]): void {
		if (count + names.length > mostRows) throw tooMany(`${mostRows} entries`);
		const text = prefix + names.join(prefix);
		if (end + text.length * 3 > paths.length && end + Buffer.byteLength(text) > paths.length) {
			throw tooMany(`${paths.length} bytes of paths`);
		}
		const isAscii = paths.write(text, end) === text.length;
		const prefixBytes = Buffer.byteLength(prefix);
		for (const name of names) {
			end += prefixBytes + (isAscii ? name.length : Buffer.byteLength(name));
			pathOffsets[++count] = end;
		}
	}

	return {
		get count() {
			return count;
		},
		addFiles,
		addLink(path) {
			addFiles("", [path]);
			states[count - 1] = ROW_STATE.settled;
			kinds[count - 1] = ENTRY_KIND.link;
			modes[count - 1] = 0o777;
			return count - 1;
		},
		addUnread(prefix, names) {
			const start = count;
			addFiles(prefix, names);
			states.fill(ROW_STATE.settled, start, count);
			kinds.fill(ENTRY_KIND.unread, start, count);
		},
		addElsewhere(path) {
			addFiles("", [path]);
			states[count - 1] = ROW_STATE.failed;
			return count - 1;
		},
	};
}

function tooMany(what: string): SigtoolError {
	return new SigtoolError("ERR_LIMIT", `Cannot hash the file set: it has more than ${what}; split it or exclude some`);
}
