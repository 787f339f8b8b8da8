/** The verb: directories, signed or adopted, into one trust index. */

import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { adoptDirectory } from "./adopt-directory.js";
import { type CompiledDirectory, type CompiledProduct, compileDirectory } from "./compile-directory.js";
import { quote, SigtoolError } from "./errors.js";
import type { HashProgress } from "./fileset/hash-files.js";
import { isBelow, kindOf, realPath } from "./fileset/locate-catalogs.js";
import type { TrustPolicy } from "./pki/trust-store.js";
import type { Signer } from "./signer/signer.js";
import { exists, readBounded, requireFileName, writeAtomically } from "./store.js";
import { encodeIndex, signIndex } from "./trust/index-encode.js";
import { MAX_TRUST_INDEX_BYTES } from "./trust/index-layout.js";
import { DEFAULT_POLICY, type Policy } from "./trust/policy.js";
import { isTrustIndex } from "./trust/trust-index.js";
import type { RevocationOptions } from "./verification.js";
import type { UsedCatalog } from "./verify-sources.js";

export type { CompiledProduct };

export interface CompileOptions {
	/** Where the index goes; outside of what it is about. */
	readonly output: string;
	readonly trust: TrustPolicy;
	readonly signer: Signer;
	/** Directories that carry no catalog, taken as they are. */
	readonly adopt?: readonly string[];
	/** Catalogs of the one signed directory that is given; the directory's own when absent. */
	readonly catalogs?: readonly string[];
	/** Product of the one signed directory that is given: of its catalog, or, where that names none, for it. */
	readonly product?: string;
	/** Different keys that must have signed each entry of it. Default 1. */
	readonly requiredSigners?: number;
	/** Absent: nobody is asked whether a certificate was revoked. */
	readonly revocation?: RevocationOptions;
	/** Default DEFAULT_POLICY. */
	readonly policy?: Policy;
	/** Milliseconds since the epoch after which the index is not to be used. */
	readonly notAfter?: number;
	/** Catalogs that a development identity signed. Default `refuse`. */
	readonly development?: "refuse" | "allow";
	/** `own` replaces only trust indexes. */
	readonly overwrite?: "own" | "any";
	/** Milliseconds since the epoch; now when absent. */
	readonly time?: number;
	readonly onProgress?: (done: HashProgress) => void;
}

export interface CompileResult {
	readonly file: string;
	readonly sizeBytes: number;
	/** Hexadecimal SHA-256 of the index. */
	readonly sha256: string;
	readonly products: readonly CompiledProduct[];
	readonly policy: Policy;
	readonly notAfter: number | undefined;
	readonly warnings: readonly string[];
}

/**
 * Compiles signed directories, and those to adopt, into a trust index.
 * @throws ERR_USAGE, ERR_CATALOG_EXISTS, ERR_DEVELOPMENT_IDENTITY, ERR_PRODUCT_MISMATCH, ERR_LIMIT, what `verifyPath` throws,
 * and the first difference's code
 */
export async function compileTrustIndex(
	directories: readonly string[],
	options: CompileOptions,
): Promise<CompileResult> {
	const { signer, adopt = [], policy = DEFAULT_POLICY, notAfter, time = Date.now() } = options;
	const output = checkCompileTarget(directories, options);
	const roots = [...directories, ...adopt].map(realPath);
	const compiled: CompiledDirectory[] = [];
	for (const [number, directory] of [...directories, ...adopt].entries()) {
		const isSigned = number < directories.length;
		const next = await (isSigned
			? compileDirectory(directory, options)
			: adoptDirectory(directory, { roots, trust: options.trust, onProgress: options.onProgress }));
		const other = compiled.find(({ product }) => product.name === next.product.name);
		if (other !== undefined) {
			const pair = `${quote(other.product.root)} and ${quote(next.product.root)}`;
			throw new SigtoolError(
				"ERR_USAGE",
				`Cannot compile ${pair} together: both are product ${quote(next.product.name)}`,
			);
		}
		compiled.push(next);
	}
	const catalogs = compiled.flatMap(({ product }) => product.catalogs);
	const content = encodeIndex({
		notAfter,
		policy,
		signers: [...new Set(catalogs.map((catalog) => catalog.signer.spkiSha256))].sort(),
		products: compiled.map((each) => each.content),
	});
	const pieces = await signIndex(content, signer, time);
	writeAtomically(output, pieces);
	const digest = createHash("sha256");
	for (const piece of pieces) digest.update(piece);
	return {
		file: options.output,
		sizeBytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
		sha256: digest.digest("hex"),
		products: compiled.map(({ product }) => product),
		policy,
		notAfter,
		warnings: [...compiled.flatMap(({ warnings }) => warnings), ...laundered(catalogs, signer)],
	};
}

/** A release signature over what a development identity vouched for is one for the signer to answer for. */
function laundered(catalogs: readonly UsedCatalog[], signer: Signer): string[] {
	if (signer.development) return [];
	const developers = catalogs.filter((catalog) => catalog.signer.development);
	return developers.map(({ file }) => `a development identity signed ${quote(file)}, and the index does not say so`);
}

/**
 * What `compileTrustIndex` refuses before it reads any file, for a caller who has to ask for a passphrase first.
 * @returns the real path of the output
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_CATALOG_EXISTS, ERR_IO
 */
export function checkCompileTarget(
	directories: readonly string[],
	{ output, adopt = [], catalogs, product, overwrite = "own" }: Omit<CompileOptions, "trust" | "signer">,
): string {
	requireFileName(output);
	if (directories.length + adopt.length === 0) {
		throw new SigtoolError("ERR_USAGE", "Name a signed directory, or one to take as it is with --adopt");
	}
	if (directories.length !== 1 && (catalogs ?? product) !== undefined) {
		throw new SigtoolError("ERR_USAGE", "Compile one signed directory at a time where its catalog or product is named");
	}
	const target = join(realPath(dirname(resolve(output))), basename(output));
	for (const directory of [...directories, ...adopt]) {
		if (kindOf(directory) !== "directory") {
			throw new SigtoolError("ERR_USAGE", `Cannot compile ${quote(directory)}: it is not a directory`, {
				path: directory,
			});
		}
		if (!isBelow(realPath(directory), target)) continue;
		const message = `Cannot write ${quote(output)}: it would be an unsigned file of ${quote(directory)}; write it elsewhere`;
		throw new SigtoolError("ERR_USAGE", message, { path: output });
	}
	if (overwrite === "own" && exists(target) && !isTrustIndex(readBounded(target, MAX_TRUST_INDEX_BYTES))) {
		const message = `Cannot write ${quote(output)}: the file there is not a trust index; --force replaces it`;
		throw new SigtoolError("ERR_CATALOG_EXISTS", message, { path: output });
	}
	return target;
}
