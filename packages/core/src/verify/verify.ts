/**
 * The verb: is this directory, or this file, what a trusted signer signed?
 *
 * Catalogs are verified first (`verify-catalog.ts`), from where they lie (`verify-sources.ts`); then files are hashed
 * and every difference is a finding.
 */

import { basename, dirname, join } from "node:path";
import { SigtoolError } from "../errors.js";
import { catalogsFrom, kindOf, realPath } from "../fileset/locate-catalogs.js";
import { evidenceSize } from "../formats/cat-entries.js";
import { exists } from "../system/store.js";
import { loadCatalog } from "./used-catalog.js";
import { conclude, unlessRevoked, type Verification, type VerifyOptions } from "./verification.js";
import { deniedMembers } from "./verify-denied.js";
import { verifyFile } from "./verify-file.js";
import { requireSigners } from "./verify-signers.js";

/**
 * Verifies a directory, a file of a signed directory, or a catalog's own signature (a `.cat` file that no
 * other catalog answers for).
 * Differences are findings; everything that keeps a verdict from being reached is thrown.
 * @throws ERR_ROOT_MISSING, ERR_CATALOG_NOT_FOUND, ERR_NESTED_CATALOG, ERR_PATH_*, ERR_USAGE, and what `verifyCatalog` throws
 */
export async function verifyPath(path: string, options: VerifyOptions): Promise<Verification> {
	if (path === "") throw new SigtoolError("ERR_USAGE", "Name a file or directory to verify");
	const kind = exists(path) ? kindOf(path) : "missing";
	if (kind === "directory") {
		// Loaded when needed: of all that verifies trees a single file needs little.
		const { verifyDirectory } = await import("./verify-directory.js");
		return verifyDirectory(path, options);
	}
	if (options.catalogs === undefined && kind === "file" && isOwnWitness(path)) return verifyCatalogFile(path, options);
	return verifyFile(path, options);
}

/** A `.cat` file that no catalog but itself answers for. */
function isOwnWitness(path: string): boolean {
	if (!path.endsWith(".cat")) return false;
	const [nearest] = catalogsFrom(dirname(path));
	return nearest === undefined || nearest.file === join(realPath(dirname(path)), basename(path));
}

/** A catalog for its own sake: its signature, and that its members can be read and are evidence. */
async function verifyCatalogFile(path: string, options: VerifyOptions): Promise<Verification> {
	const loaded = { catalogs: [loadCatalog(path, options)], root: dirname(path) };
	requireSigners(loaded.catalogs, options.requiredSigners ?? 1);
	const { catalogs } = await unlessRevoked(loaded, options);
	for (const { catalog } of catalogs) evidenceSize(catalog, options.profile ?? "default");
	const findings = catalogs.flatMap(({ catalog }) => deniedMembers(catalog, options.trust));
	return conclude({ path, match: "none", catalogs, checkedCount: 0, findings });
}
