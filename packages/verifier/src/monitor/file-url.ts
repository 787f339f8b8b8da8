/** Reads file URLs in the form in which Node.js passes them to load hooks: normalized, without a host. */

import { decodePercent } from "../safe/captured.js";
import { indexOf, slice, startsWith } from "../safe/primordials.js";

/**
 * Returns the path of a `file:` URL without query and fragment. Returns undefined for every other URL, and for a URL
 * whose escapes cannot be part of a path: `%2F`, `%00`, or bytes that are not UTF-8.
 */
export function pathOfFileUrl(url: string): string | undefined {
	if (!startsWith(url, "file:///")) return undefined;
	const path = slice(url, "file://".length, endOfPath(url));
	if (indexOf(path, "%") === -1) return path;
	if (indexOf(path, "%2F") !== -1 || indexOf(path, "%2f") !== -1 || indexOf(path, "%00") !== -1) return undefined;
	try {
		return decodePercent(path);
	} catch {
		return undefined;
	}
}

function endOfPath(url: string): number {
	const fragment = indexOf(url, "#");
	const end = fragment === -1 ? url.length : fragment;
	const query = indexOf(url, "?");
	return query !== -1 && query < end ? query : end;
}
