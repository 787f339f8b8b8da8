/**
 * Implements `sigtool verify`: checks that a directory or a file is what a trusted signer signed.
 *
 * Catalogs are located (`verify-sources.ts`) and verified (`verify-catalog.ts`) first. Then files are hashed, and every
 * difference is a finding.
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
 * Verifies a directory, a file of a signed directory, or the signature of a `.cat` file that no other catalog covers.
 * Differences are findings. An error that prevents a verdict is thrown.
 * @throws ERR_ROOT_MISSING, ERR_CATALOG_NOT_FOUND, ERR_NESTED_CATALOG, ERR_PATH_*, ERR_USAGE, and the errors of
 * `verifyCatalog`
 */
export async function verifyPath(path: string, options: VerifyOptions): Promise<Verification> {
	if (path === "") throw new SigtoolError("ERR_USAGE", "Name a file or directory to verify");
	const kind = exists(path) ? kindOf(path) : "missing";
	if (kind === "directory") {
		// Verifying a single file does not need this module and all that it imports.
		const { verifyDirectory } = await import("./verify-directory.js");
		return verifyDirectory(path, options);
	}
	if (options.catalogs === undefined && kind === "file" && isOwnWitness(path)) return verifyCatalogFile(path, options);
	return verifyFile(path, options);
}

/** Returns true for a `.cat` file that no conventional catalog covers, except possibly itself. */
function isOwnWitness(path: string): boolean {
	if (!path.endsWith(".cat")) return false;
	const [nearest] = catalogsFrom(dirname(path));
	return nearest === undefined || nearest.file === join(realPath(dirname(path)), basename(path));
}

/** Verifies a catalog's own signature, and that its members can be parsed and are evidence. */
async function verifyCatalogFile(path: string, options: VerifyOptions): Promise<Verification> {
	const loaded = { catalogs: [loadCatalog(path, options)], root: dirname(path) };
	requireSigners(loaded.catalogs, options.requiredSigners ?? 1);
	const { catalogs } = await unlessRevoked(loaded, options);
	for (const { catalog } of catalogs) evidenceSize(catalog, options.profile ?? "default");
	const findings = catalogs.flatMap(({ catalog }) => deniedMembers(catalog, options.trust));
	return conclude({ path, match: "none", catalogs, checkedCount: 0, findings });
}
