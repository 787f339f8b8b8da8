/**
 * Implements `sigtool verify`: checks that a directory or a file is exactly as a trusted signer signed it.
 *
 * First the catalogs are found (`sources.ts`) and verified (`verify-catalog.ts`). Then the files are hashed, and every
 * difference is a finding. With `extent: "signature"` no files are compared, and the verdict is never `trusted`.
 */

import { dirname } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { missingFile } from "../fileset/paths/locate-catalogs.js";
import { evidenceSize } from "../formats/cat-entries.js";
import { throwIfAborted } from "../system/abort.js";
import { treeOfCatalog } from "./catalog-tree.js";
import { type OperandKind, operandKind } from "./operand.js";
import type { KeepingCatalogs } from "./sources.js";
import { loadCatalog } from "./used-catalog.js";
import { conclude, unlessRevoked, type Verification, type VerifyOptions } from "./verification.js";
import { deniedMembers } from "./verify-denied.js";
import { verifyFile } from "./verify-file.js";
import { requireSigners } from "./verify-signers.js";

/**
 * Verifies a directory, a file of a signed directory, or a catalog. For a catalog, its tree is verified: `root`, or
 * else the directory to which the catalog applies by its name or its place (`find-catalogs.ts`). If `catalogs` is
 * given, a catalog is instead verified as a file that these catalogs sign. Differences become findings. An error that
 * prevents a verdict is thrown.
 * @throws ERR_ROOT_MISSING, ERR_CATALOG_NOT_FOUND, ERR_NESTED_CATALOG, `ERR_PATH_*`, ERR_USAGE, ERR_LIMIT, ERR_IO, the
 * errors of `verifyCatalog`, and AbortError
 * @example
 * ```ts
 * import { defaultTrust, verifyPath } from "@sigtool/core/read";
 *
 * const { verdict, findings } = await verifyPath("lib", { trust: defaultTrust() });
 * console.log(verdict, findings.length); // trusted 0
 * ```
 */
export async function verifyPath(path: string, options: VerifyOptions): Promise<Verification> {
	return verifyKeeping(path, options);
}

/** Does what `verifyPath` does, and keeps catalogs for other paths. Takes the options as they are, unchecked. */
export async function verifyKeeping(path: string, options: VerifyOptions & KeepingCatalogs): Promise<Verification> {
	if (path === "") throw new SigtoolError("ERR_USAGE", "Name a file or directory to verify");
	throwIfAborted(options.signal);
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
 * Loads the module that compares directories. This happens on demand, because a single file is verified without that
 * module.
 */
async function directoryVerifier() {
	return (await import("./verify-directory.js")).verifyDirectory;
}

function indexOperand(path: string): SigtoolError {
	const message = `Cannot compare files with ${quote(path)}: it is a trust index; name it to verifyTrustIndex() instead`;
	return new SigtoolError("ERR_USAGE", message, { path });
}

/**
 * Makes the error for a file that is no catalog, with a `root`. The catalog that is found for such a file may be about
 * another tree than `root`, so the two are not used together.
 */
function noCatalog(path: string): SigtoolError {
	const message =
		`Cannot verify ${quote(path)} with --root: it is not a catalog; name the directory alone to verify its files, ` +
		"or the catalog of this file with --catalog";
	return new SigtoolError("ERR_USAGE", message, { path });
}

/**
 * Verifies the signature of a catalog, the number of its signers, and revocation if that is checked. Also checks that
 * its members have an acceptable digest and are not on the deny list. Compares no files.
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
