/** Reads one catalog file and verifies the catalog. The errors name the file. */

import { quote, SigtoolError } from "../errors.js";
import { statIfThere } from "../system/look-up.js";
import { FORMAT_CODES, namingFile, readCatalogFile } from "./catalog-file.js";
import type { SignerStatus } from "./chain-revocation.js";
import { type CatalogVerifyOptions, type VerifiedCatalog, verifyCatalog } from "./verify-catalog.js";

/** A catalog that was verified and used, with the file from which it was read. */
export interface UsedCatalog extends VerifiedCatalog {
	readonly file: string;
	/**
	 * The revocation status of each certificate in the chains of the signer and of the timestamp, and in those of the
	 * outer catalogs that sign this catalog. Undefined if revocation was not checked.
	 */
	readonly revocation?: readonly SignerStatus[];
	/** The content of the file. */
	readonly bytes: Uint8Array;
}

/**
 * Catalogs that one run of a program has verified, by their files. They are judged for the time of their first
 * verification. They go when memory is short.
 */
export type KeptCatalogs = Map<string, KeptCatalog>;

interface KeptCatalog {
	readonly state: string;
	readonly options: CatalogVerifyOptions;
	readonly used: WeakRef<UsedCatalog>;
}

/**
 * Returns what `loadCatalog` returned for the same file and the same options, if the file is still the same. Otherwise
 * calls it. @throws the errors of `loadCatalog`
 */
export function loadCatalogOnce(file: string, options: CatalogVerifyOptions, kept: KeptCatalogs): UsedCatalog {
	const state = stateOf(file);
	const known = kept.get(file);
	if (known !== undefined && known.state === state && areSame(known.options, options)) {
		const used = known.used.deref();
		if (used !== undefined) return used;
	}
	const used = loadCatalog(file, options);
	// A file that is exchanged after this look has another state than this one, so it is read again.
	if (state !== undefined) kept.set(file, { state, options, used: new WeakRef(used) });
	return used;
}

/**
 * Returns a text that differs if the file was replaced or written to, and undefined if it is none. A write within one tick
 * of the file system's clock may leave it as it was: then the bytes count that were verified.
 */
function stateOf(file: string): string | undefined {
	const stats = statIfThere(file);
	if (stats?.isFile() !== true) return undefined;
	return [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(" ");
}

function areSame(known: CatalogVerifyOptions, asked: CatalogVerifyOptions): boolean {
	return JUDGING.every((option) => known[option] === asked[option]);
}

/** The options that decide what `verifyCatalog` says of the same bytes. */
const JUDGING = Object.keys({
	trust: true,
	timestampAnchors: true,
	refusedAuthorities: true,
	at: true,
	profile: true,
	product: true,
} satisfies Record<keyof CatalogVerifyOptions, true>) as readonly (keyof CatalogVerifyOptions)[];

/**
 * Reads and verifies a catalog file. @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO, and the errors of
 * `verifyCatalog`
 */
export function loadCatalog(file: string, options: CatalogVerifyOptions): UsedCatalog {
	const bytes = readCatalogFile(file);
	return { file, bytes, ...verifyNamed(file, bytes, options) };
}

/** Calls `verifyCatalog`, and adds the path of the file to the messages of its errors. */
export function verifyNamed(file: string, bytes: Uint8Array, options: CatalogVerifyOptions): VerifiedCatalog {
	try {
		return verifyCatalog(bytes, options);
	} catch (error) {
		if (!(error instanceof SigtoolError) || error.path !== undefined) throw error;
		if (FORMAT_CODES.has(error.code)) throw namingFile(file, bytes, error);
		throw new SigtoolError(error.code, `${quote(file)}: ${error.message}`, { cause: error.cause, path: file });
	}
}
