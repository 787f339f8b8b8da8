/**
 * Decides which kind of file an operand of `verify` is. The content decides, because a catalog that is taken for an
 * ordinary file would be compared alone, and its tree would not.
 */

import { SigtoolError } from "../errors.js";
import { absolutePath } from "../fileset/absolute-path.js";
import { hasCatalogName, isRegularFile, kindOf } from "../fileset/locate-catalogs.js";
import { exists, openPieces } from "../system/store.js";
import { MAGIC } from "../trust/index-layout.js";
import { startsAsCatalog } from "./catalog-file.js";

/**
 * `catalog` and `index` are files that begin as one, or that have the name of one. A link to a file has the kind of the
 * file to which it leads.
 */
export type OperandKind = "directory" | "catalog" | "index" | "file" | "missing";

/**
 * Returns the kind of an operand.
 * @throws ERR_ROOT_MISSING if a part of the path is no directory; ERR_IO
 */
export function operandKind(path: string): OperandKind {
	absolutePath(path); // Refuses a path through a file, such as `file.js/`.
	if (!exists(path)) return "missing";
	if (kindOf(path) === "directory") return "directory";
	const head = headOf(path);
	if (startsAsCatalog(head) || hasCatalogName(path)) return "catalog";
	const isIndex = path.toLowerCase().endsWith(".sigx") || MAGIC.every((byte, at) => head[at] === byte);
	return isIndex ? "index" : "file";
}

/** Returns the first bytes of a file, or no bytes if it cannot be read. The function that reads the file reports that. */
function headOf(path: string): Uint8Array {
	try {
		return isRegularFile(path) ? readHead(path) : new Uint8Array();
	} catch (error) {
		if (error instanceof SigtoolError) return new Uint8Array();
		throw error;
	}
}

function readHead(path: string): Uint8Array {
	const pieces = openPieces(path, Number.MAX_SAFE_INTEGER);
	try {
		const head = new Uint8Array(Math.min(HEAD_BYTES, pieces.sizeBytes));
		pieces.copy(head, 0, 0, head.length);
		return head;
	} finally {
		pieces.close();
	}
}

/** The headers in front of a catalog's content type usually take less than 100 bytes. */
const HEAD_BYTES = 65_536;
