/**
 * Implements `sigtool verify`: checks that a directory or a file is exactly as a trusted signer signed it.
 *
 * Catalogs are found (`sources.ts`) and verified (`verify-catalog.ts`) first. Then files are hashed, and every
 * difference is a finding. Only `extent: "signature"` compares no files, and the verdict is then never `trusted`.
 */

import { dirname } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { evidenceSize } from "../formats/cat-entries.js";
import { treeOfCatalog } from "./catalog-tree.js";
import { type OperandKind, operandKind } from "./operand.js";
import { loadCatalog } from "./used-catalog.js";
import { conclude, unlessRevoked, type Verification, type VerifyOptions } from "./verification.js";
import { deniedMembers } from "./verify-denied.js";
import { missingFile, verifyFile } from "./verify-file.js";
import { requireSigners } from "./verify-signers.js";

/**
 * Verifies a directory, a file of a signed directory, or the tree of a catalog. This tree is `root`, or else the
 * directory to which the catalog applies by convention. A catalog is verified as a file of a tree only if `catalogs`
 * has the catalogs of this tree. Differences become findings. An error that prevents a verdict is thrown.
 * @throws ERR_ROOT_MISSING, ERR_CATALOG_NOT_FOUND, ERR_NESTED_CATALOG, ERR_PATH_*, ERR_USAGE, and the errors of
 * `verifyCatalog`
 */
export async function verifyPath(path: string, options: VerifyOptions): Promise<Verification> {
	if (path === "") throw new SigtoolError("ERR_USAGE", "Name a file or directory to verify");
	const kind = operandKind(path);
	if (options.extent === "signature") return verifySignature(path, kind, options);
	if (kind === "directory") return (await directoryVerifier())(path, options);
	if (options.catalogs === undefined) {
		if (kind === "catalog") {
			const { file, leadsTo, tree } = treeOfCatalog(path, options.root);
			return (await directoryVerifier())(tree, { ...options, operand: { path, file, leadsTo } });
		}
		if (kind === "index") throw indexOperand(path);
		if (options.root !== undefined) throw kind === "missing" ? missingFile(path) : noCatalog(path);
	}
	return verifyFile(path, options);
}

/**
 * Loads the module that compares directories. It is loaded on demand, because the verification of a single file does
 * not need it.
 */
async function directoryVerifier() {
	return (await import("./verify-directory.js")).verifyDirectory;
}

function indexOperand(path: string): SigtoolError {
	const message = `Cannot compare files with ${quote(path)}: it is a trust index; name it to verifyTrustIndex() instead`;
	return new SigtoolError("ERR_USAGE", message, { path });
}

/** The catalog that applies to a file by convention may be about another tree than `root`, so they are not combined. */
function noCatalog(path: string): SigtoolError {
	const message =
		`Cannot verify ${quote(path)} with --root: it is not a catalog; name the directory alone to verify its files, ` +
		"or the catalog of this file with --catalog";
	return new SigtoolError("ERR_USAGE", message, { path });
}

/**
 * Verifies a catalog's signature, its number of signers and revocation, and that its members have an acceptable digest
 * and are not denied. Compares no files.
 */
async function verifySignature(path: string, kind: OperandKind, options: VerifyOptions): Promise<Verification> {
	if (kind === "directory") {
		const message = `Cannot verify the signature alone of ${quote(path)}: it is a directory; name a catalog`;
		throw new SigtoolError("ERR_USAGE", message, { path });
	}
	const loaded = { catalogs: [loadCatalog(path, options)], outer: [], root: dirname(path) };
	requireSigners(loaded.catalogs, options.requiredSigners ?? 1);
	const { catalogs } = await unlessRevoked(loaded, options);
	for (const { catalog } of catalogs) evidenceSize(catalog, options.profile ?? "default");
	const findings = catalogs.flatMap(({ catalog }) => deniedMembers(catalog, options.trust));
	return conclude({ path, match: "none", covers: "none", root: undefined, catalogs, checkedCount: 0, findings });
}
