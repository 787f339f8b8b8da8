/**
 * Decides which kind of file an operand of `verify` is. The content decides as well as the name: if a catalog were
 * taken for an ordinary file, only the catalog itself would be compared, and not the files in its tree.
 */

import { SigtoolError } from "../errors.js";
import { absolutePath } from "../fileset/paths/absolute-path.js";
import { hasCatalogName, isRegularFile, kindOf } from "../fileset/paths/locate-catalogs.js";
import { exists } from "../system/look-up.js";
import { openPieces } from "../system/read-file.js";
import { MAGIC } from "../trust/index-layout.js";
import { startsAsCatalog } from "./catalog-file.js";

/**
 * The kind of an operand. `catalog` and `index` are files that begin like one, or that have the name of one. For a
 * link, it is the kind of the file to which the link leads.
 */
export type OperandKind = "directory" | "catalog" | "index" | "file" | "missing";

/**
 * Returns the kind of the file at a path.
 * @throws ERR_ROOT_MISSING if the path goes through a file, such as `file.js/a`; ERR_IO
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

/**
 * Returns up to HEAD_BYTES bytes from the beginning of a regular file, or no bytes if the file cannot be read. A later
 * function reads the whole file and reports the error.
 */
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

/**
 * The number of bytes that are read to recognise a file. The headers before the content type of a catalog usually take
 * less than 100 bytes.
 */
const HEAD_BYTES = 65_536;
