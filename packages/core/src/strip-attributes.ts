/** The verb: files without the extended attributes that sigtool writes. */

import { attributeError, loadAttributes } from "./attributes.js";
import { openFiles } from "./fileset/open-files.js";
import { type AttributeFormat, type AttributeNaming, attributeName } from "./formats/attribute-format.js";

export interface StripOptions extends AttributeNaming {
	/** `ima-hash`, `ima` and `ima-verity` are one attribute: each removes what is there. */
	readonly formats: readonly AttributeFormat[];
}

export interface StripResult {
	readonly fileCount: number;
	/** Attributes removed, by name. */
	readonly removed: ReadonlyMap<string, number>;
}

/**
 * Removes the formats' attributes from every regular file below a directory, or from one file. Ends at the first file
 * that refuses, and can be run again.
 * @throws ERR_ROOT_MISSING, ERR_ATTRIBUTE_*, ERR_ATTRIBUTES_UNAVAILABLE, ERR_FILE_TYPE, ERR_IO
 */
export async function stripAttributes(path: string, options: StripOptions): Promise<StripResult> {
	const names = new Set(options.formats.map((format) => attributeName(format, options)));
	const removed = new Map(Array.from(names, (name) => [name, 0]));
	const access = await loadAttributes();
	const fileCount = openFiles(path, (file) => {
		for (const name of names) {
			try {
				if (access.remove(file.descriptor, name)) removed.set(name, (removed.get(name) ?? 0) + 1);
			} catch (cause) {
				throw attributeError("remove", file.name, name, cause);
			}
		}
	});
	return { fileCount, removed };
}
