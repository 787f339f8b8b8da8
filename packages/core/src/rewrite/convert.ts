/**
 * The verb: a catalog into a detached CMS signature beside what it is over, and back. The signature stays octet for octet;
 * whichever comes in is verified before anything is written.
 */

import { resolve } from "node:path";
import { encode, TAG } from "../asn1/der.js";
import { quote, SigtoolError } from "../errors.js";
import { parseSignedData, withContent } from "../pki/cms.js";
import { exists, readInput, requireFileName, writeAtomically } from "../system/store.js";
import { MAX_CATALOG_BYTES, parseCatalogFile } from "../verify/catalog-file.js";
import { type CatalogVerifyOptions, type VerifiedCatalog, verifyCatalog } from "../verify/verify-catalog.js";

export interface ConvertOptions extends CatalogVerifyOptions {
	readonly output: string;
	/** What a detached signature is over: read with one, else written. `<output>.content` when absent and written. */
	readonly contentFile?: string;
	/** Of files that exist. Default `refuse`. */
	readonly overwrite?: "refuse" | "any";
}

export interface Conversion {
	readonly into: "detached" | "catalog";
	readonly contentFile: string;
	readonly verified: VerifiedCatalog;
}

/**
 * A catalog becomes DER that `openssl cms -verify -content` reads, and a file with the octets that are signed: the value
 * of the list's SEQUENCE, without tag and length. Those two become the catalog again, the same octets as before.
 * @throws ERR_USAGE, ERR_CATALOG_EXISTS, ERR_ROOT_MISSING, ERR_IO, and what `verifyCatalog` throws
 */
export function convertCatalog(file: string, options: ConvertOptions): Conversion {
	const { output } = options;
	const { der, contentValue } = parseCatalogFile(file, (octets) => parseSignedData(octets, "catalog"));
	if (contentValue === undefined) return attach(file, der, options);
	const contentFile = options.contentFile ?? `${output}.content`;
	if (resolve(output) === resolve(contentFile)) {
		throw new SigtoolError("ERR_USAGE", "Give --output and --content different names");
	}
	for (const path of [output, contentFile]) checkOutput(path, options);
	const verified = parseCatalogFile(file, () => verifyCatalog(der, options));
	writeAtomically(contentFile, contentValue);
	writeAtomically(output, withContent(der, undefined));
	return { into: "detached", contentFile, verified };
}

function attach(file: string, signature: Uint8Array, options: ConvertOptions): Conversion {
	const { output, contentFile } = options;
	if (contentFile === undefined) {
		throw new SigtoolError("ERR_USAGE", `Name what ${quote(file)} is a signature of with --content`);
	}
	checkOutput(output, options);
	const content = encode(TAG.SEQUENCE, readInput(contentFile, MAX_CATALOG_BYTES));
	const catalog = Buffer.concat(withContent(signature, content));
	const verified = parseCatalogFile(file, () => verifyCatalog(catalog, options));
	writeAtomically(output, catalog);
	return { into: "catalog", contentFile, verified };
}

function checkOutput(path: string, { overwrite = "refuse" }: ConvertOptions): void {
	requireFileName(path);
	if (overwrite === "any" || !exists(path)) return;
	const message = `Cannot write ${quote(path)}: there is a file of that name; --force replaces it`;
	throw new SigtoolError("ERR_CATALOG_EXISTS", message, { path });
}
