/**
 * Implements `sigtool convert`: turns a catalog into a detached CMS signature and a file with the signed content, or
 * turns these two files into the catalog again. The value of the signature does not change. The catalog is verified
 * before any file is written.
 */

import { encode, TAG } from "../asn1/der.js";
import { quote, SigtoolError } from "../errors.js";
import { inRealDirectory } from "../fileset/paths/locate-catalogs.js";
import { parseSignedData, withContent } from "../pki/cms.js";
import { exists } from "../system/look-up.js";
import { outputFile } from "../system/output-file.js";
import { readInput } from "../system/read-file.js";
import { writeAtomically, writeTogether } from "../system/store.js";
import { MAX_CATALOG_BYTES, parseCatalogFile } from "../verify/catalog-file.js";
import { type CatalogVerifyOptions, type VerifiedCatalog, verifyCatalog } from "../verify/verify-catalog.js";

/** The options of `convertCatalog`. */
export interface ConvertOptions extends CatalogVerifyOptions {
	readonly output: string;
	/**
	 * The file with the signed content. It is read for a detached signature and written for a catalog. When it is
	 * written, the default is `<output>.content`.
	 */
	readonly contentFile?: string;
	/** The value `any` replaces existing files. The default is `refuse`. */
	readonly overwrite?: "refuse" | "any";
}

/** Reports what `convertCatalog` has written. */
export interface Conversion {
	readonly into: "detached" | "catalog";
	readonly contentFile: string;
	readonly verified: VerifiedCatalog;
}

/**
 * Converts in the direction that `file` requires. A catalog becomes two files: the detached signature in DER, for
 * `openssl cms -verify -content`, and the signed content. The content is the value of the list's SEQUENCE, without its
 * tag and length. A detached signature and its content become the same catalog again, byte for byte.
 * @throws ERR_USAGE, ERR_OUTPUT_EXISTS, ERR_ROOT_MISSING, ERR_IO, and the errors of `verifyCatalog`
 * @example
 * ```ts
 * import { convertCatalog, defaultTrust } from "@sigtool/core";
 *
 * const { into, contentFile } = convertCatalog("lib/lib.cat", { trust: defaultTrust(), output: "lib.p7" });
 * console.log(into, contentFile); // detached lib.p7.content
 * ```
 */
export function convertCatalog(file: string, options: ConvertOptions): Conversion {
	const { output } = options;
	const { der, contentValue } = parseCatalogFile(file, (bytes) => parseSignedData(bytes, "catalog"));
	if (contentValue === undefined) return attach(file, der, options);
	const contentFile = options.contentFile ?? `${output}.content`;
	const written = outputFile(output);
	const contentWritten = outputFile(contentFile);
	if (inRealDirectory(written) === inRealDirectory(contentWritten)) {
		throw new SigtoolError("ERR_USAGE", "Give --output and --content different names");
	}
	for (const path of [written, contentWritten]) requireUnused(path, options);
	const verified = parseCatalogFile(file, () => verifyCatalog(der, options));
	writeTogether([
		{ path: contentWritten, content: contentValue },
		{ path: written, content: withContent(der, undefined) },
	]);
	return { into: "detached", contentFile, verified };
}

function attach(file: string, signature: Uint8Array, options: ConvertOptions): Conversion {
	const { output, contentFile } = options;
	if (contentFile === undefined) {
		throw new SigtoolError("ERR_USAGE", `Name the content that ${quote(file)} signs with --content`);
	}
	const written = outputFile(output);
	requireUnused(written, options);
	const content = encode(TAG.SEQUENCE, readInput(contentFile, MAX_CATALOG_BYTES));
	const catalog = Buffer.concat(withContent(signature, content));
	const verified = parseCatalogFile(file, () => verifyCatalog(catalog, options));
	writeAtomically(written, catalog);
	return { into: "catalog", contentFile, verified };
}

function requireUnused(path: string, { overwrite = "refuse" }: ConvertOptions): void {
	if (overwrite === "any" || !exists(path)) return;
	const message = `Cannot write ${quote(path)}: the file exists; --force replaces it`;
	throw new SigtoolError("ERR_OUTPUT_EXISTS", message, { path });
}
