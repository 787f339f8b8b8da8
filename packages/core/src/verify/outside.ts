/**
 * Handles symbolic links that lead out of a signed tree. The link itself may be signed, but the file to which it leads
 * is not.
 */

import { quote } from "../errors.js";
import type { Finding } from "../fileset/compare/compare.js";
import { entryPathAt, type Manifest } from "../fileset/manifest.js";
import { whereLinkLeads } from "../fileset/paths/resolve-entry.js";
import type { Sources } from "./sources.js";
import { conclude, type Verification } from "./verification.js";

/**
 * Returns the result for a path that leads out of the tree through `links`. The verdict is `failed`, because the file
 * at the path was not compared with anything. `findings` are those about the links.
 */
export function concludeOutside(
	path: string,
	{ catalogs }: Sources,
	links: readonly string[],
	findings: readonly Finding[],
): Verification {
	const link = links.at(-1) ?? path;
	const message = `${quote(link)} leads out of the signed tree: no signature covers ${quote(path)}, so nothing was compared`;
	const outside: Finding = { code: "ERR_LINK_OUTSIDE", path: link, message };
	const nothing = { match: "none", covers: "none", root: undefined, checkedCount: 0 } as const;
	return conclude({ path, ...nothing, catalogs, findings: [...findings, outside] });
}

/**
 * Returns the number of links that lead out of the tree, directly or through other links. Does not count a link that
 * leads out and back into the tree, nor one that leads to no file.
 */
export function countOutsideLinks(manifest: Manifest): number {
	let count = 0;
	for (const row of manifest.linkTargets.keys()) {
		if (whereLinkLeads(manifest.root, entryPathAt(manifest, row)) === "outside") count++;
	}
	return count;
}
