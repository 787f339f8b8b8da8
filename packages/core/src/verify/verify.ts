/**
 * Implements `sigtool verify`: checks that a directory or a file is exactly as a trusted signer signed it.
 *
 * Catalogs are found (`sources.ts`) and verified (`verify-catalog.ts`) first. Then files are hashed, and every
 * difference is a finding. Only `extent: "signature"` compares no files, and the verdict is then never `trusted`.
 */

import { basename, dirname, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { kindOf, realPath } from "../fileset/locate-catalogs.js";
import { evidenceSize } from "../formats/cat-entries.js";
import { exists } from "../system/store.js";
import { findCatalogs } from "./find-catalogs.js";
import { loadCatalog } from "./used-catalog.js";
import { conclude, unlessRevoked, type Verification, type VerifyOptions } from "./verification.js";
import { deniedMembers } from "./verify-denied.js";
import { verifyFile } from "./verify-file.js";
import { requireSigners } from "./verify-signers.js";

/**
 * Verifies a directory, a file of a signed directory, or the tree of a `.cat` file. This tree is `root`, or else the
 * directory to which the catalog applies by convention. A `.cat` file that another catalog covers is verified like any
 * other file if `root` is not given. Differences become findings. An error that prevents a verdict is thrown.
 * @throws ERR_ROOT_MISSING, ERR_CATALOG_NOT_FOUND, ERR_NESTED_CATALOG, ERR_PATH_*, ERR_USAGE, and the errors of
 * `verifyCatalog`
 */
export async function verifyPath(path: string, options: VerifyOptions): Promise<Verification> {
	if (path === "") throw new SigtoolError("ERR_USAGE", "Name a file or directory to verify");
	const kind = exists(path) ? kindOf(path) : "missing";
	if (options.extent === "signature") return verifySignature(path, kind, options);
	if (kind === "directory") return (await directoryVerifier())(path, options);
	if (kind === "file" && path.endsWith(".cat") && options.catalogs === undefined) {
		const root = options.root ?? treeOf(path);
		if (root !== undefined) return (await directoryVerifier())(root, { ...options, operand: path });
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

/**
 * Returns the directory whose files a catalog signs by convention. Returns undefined if another catalog covers the
 * catalog file.
 * @throws ERR_USAGE if no convention gives a directory
 */
function treeOf(catalog: string): string | undefined {
	const directory = dirname(catalog);
	const [nearest] = findCatalogs(directory).catalogs;
	if (nearest?.file === join(realPath(directory), basename(catalog))) return directory;
	if (nearest !== undefined) return undefined;
	const message =
		`Cannot tell which files ${quote(catalog)} signs: name their directory with --root, ` +
		"or verify the signature alone with --signature-only";
	throw new SigtoolError("ERR_USAGE", message, { path: catalog });
}

/**
 * Verifies a catalog's signature, its number of signers and revocation, and that its members have an acceptable digest
 * and are not denied. Compares no files.
 */
async function verifySignature(path: string, kind: string, options: VerifyOptions): Promise<Verification> {
	if (kind === "directory") {
		const message = `Cannot verify the signature alone of ${quote(path)}: it is a directory; name a catalog`;
		throw new SigtoolError("ERR_USAGE", message, { path });
	}
	const loaded = { catalogs: [loadCatalog(path, options)], root: dirname(path) };
	requireSigners(loaded.catalogs, options.requiredSigners ?? 1);
	const { catalogs } = await unlessRevoked(loaded, options);
	for (const { catalog } of catalogs) evidenceSize(catalog, options.profile ?? "default");
	const findings = catalogs.flatMap(({ catalog }) => deniedMembers(catalog, options.trust));
	return conclude({ path, match: "none", covers: "none", root: undefined, catalogs, checkedCount: 0, findings });
}
