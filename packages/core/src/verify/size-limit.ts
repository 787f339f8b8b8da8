/** Leaves files unread that are larger than the caller's limit, and makes a finding of each. */

import { join } from "node:path";
import { quote } from "../errors.js";
import type { Finding } from "../fileset/compare/compare.js";
import { statIfThere } from "../system/look-up.js";

export interface SizeLimit {
	/** Returns false for a file with more bytes than the limit, and adds a finding. */
	isWithin(path: string): boolean;
	/** The findings about files that are too large, with the code ERR_LIMIT. */
	readonly findings: readonly Finding[];
	/** Returns the findings without those about the content of files that were not read. */
	ofRead(findings: readonly Finding[]): Finding[];
}

/** Looks the files up below the directory `root`. Without `maxFileBytes` every file is within the limit. */
export function sizeLimit(root: string, maxFileBytes = Number.POSITIVE_INFINITY): SizeLimit {
	const found = new Map<string, Finding>();
	return {
		isWithin(path) {
			if (maxFileBytes === Number.POSITIVE_INFINITY) return true;
			const stats = statIfThere(join(root, path));
			if (stats?.isFile() !== true || stats.size <= maxFileBytes) return true;
			const message = `${quote(path)} was not read: it has ${stats.size} bytes, and the limit is ${maxFileBytes}`;
			found.set(path, { code: "ERR_LIMIT", path, message });
			return false;
		},
		get findings() {
			return [...found.values()];
		},
		ofRead: (findings) => findings.filter(({ code, path }) => code !== "ERR_FILE_MODIFIED" || !found.has(path)),
	};
}
