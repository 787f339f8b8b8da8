/** Finds the tree of a catalog that the user named, so that `verify` can compare the files that the catalog signs. */

import { basename, dirname, join } from "node:path";
import { quote, SigtoolError, shell } from "../errors.js";
import { kindOf, realPath } from "../fileset/paths/locate-catalogs.js";
import { requireCatalog } from "./catalog-file.js";
import { findCatalogs } from "./find-catalogs.js";

export interface CatalogTree {
	/** The path of the catalog to use. It differs from the operand only if the operand is a link. */
	readonly file: string;
	/** The real path of the catalog if the operand is a link. Otherwise undefined. */
	readonly leadsTo: string | undefined;
	/** The directory whose files the catalog signs. */
	readonly tree: string;
}

/**
 * Returns the tree of a catalog: `root`, or else the directory to which the catalog applies by the rules of
 * `find-catalogs.ts`. For a link, the rules are first applied in the directory of the link, and then in the directory
 * of the catalog to which it leads.
 * @throws ERR_USAGE if the rules give no tree; before that, ERR_DER, ERR_CMS_FORMAT or ERR_CATALOG_FORMAT if the file
 * is damaged
 */
export function treeOfCatalog(operand: string, root: string | undefined): CatalogTree {
	const leadsTo = kindOf(operand) === "link" ? realPath(operand) : undefined;
	if (root !== undefined) return { file: operand, leadsTo, tree: root };
	let reason = "";
	let rival: string | undefined;
	for (const file of leadsTo === undefined ? [operand] : [operand, leadsTo]) {
		const directory = dirname(file);
		const { catalogs, rivals } = findCatalogs(directory);
		const [nearest] = catalogs;
		const place = join(realPath(directory), basename(file));
		if (nearest?.file === place) return { file, leadsTo, tree: directory };
		rival = nearest?.file;
		reason =
			rival !== undefined
				? `${quote(rival)} applies to the directory in which it lies; `
				: rivals.length > 0
					? "several catalogs lie beside it, and none is named after their directory; "
					: "";
	}
	requireCatalog(operand);
	throw withoutTree(operand, reason, rival);
}

/** Makes the error for a catalog whose tree is unknown. `rival` is the catalog that applies to its directory. */
function withoutTree(operand: string, reason: string, rival: string | undefined): SigtoolError {
	const ways =
		rival === undefined
			? "or verify the signature alone with --signature-only"
			: `verify the signature alone with --signature-only, or compare it as a file with \`${shell`--catalog ${rival}`}\``;
	const message = `Cannot tell which files ${quote(operand)} signs: ${reason}name their directory with --root, ${ways}`;
	return new SigtoolError("ERR_USAGE", message, { path: operand });
}
