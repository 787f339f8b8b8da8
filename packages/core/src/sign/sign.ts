/**
 * Hashes a set of files once, and writes a catalog, extended attributes, or both.
 *
 * The steps are: paths → target and rules → `hashFileSet`, which writes attributes while it reads → facts →
 * `encodeCatalog` → `Signer` → a temporary file, which is renamed. A catalog is written only if every earlier step has
 * succeeded.
 */

import { basename, dirname, join } from "node:path";
import { COMMAND, quote, SigtoolError, shell } from "../errors.js";
import { refuseStaleBytecode } from "../fileset/compare/stale-bytecode.js";
import { entryPathAt, type Manifest } from "../fileset/manifest.js";
import { hasCatalogName } from "../fileset/paths/locate-catalogs.js";
import type { SelectionRules } from "../fileset/select/selection.js";
import type { AttributeFormat, AttributeNaming } from "../formats/attribute-format.js";
import { encodeCatalog } from "../formats/cat-encode.js";
import { encodeUnsigned, sha256Hex, signEncoded } from "../formats/cat-envelope.js";
import { type CatalogFacts, entryFacts } from "../formats/cat-facts.js";
import type { EvidenceDigest } from "../pki/signature-algorithm.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";
import { throwIfAborted } from "../system/abort.js";
import { exists } from "../system/look-up.js";
import { writeAtomically } from "../system/store.js";
import { ownCatalogsIn } from "../verify/find-catalogs.js";
import { type HashingOptions, hashTarget, refuseNothing, releaseOf } from "./hash-target.js";
import { refuseProblems } from "./refuse-problems.js";
import { checkReplaceable } from "./replaceable.js";
import { prepareAttributes, type WrittenAttribute } from "./sign-attributes.js";
import { resolveSignTarget, type SignTarget } from "./target.js";

/** A catalog, or a format of extended attributes. */
export type SignFormat = "cat" | AttributeFormat;

/** The options of `signPaths`. */
export interface SignOptions extends AttributeNaming, HashingOptions {
	/** Selects a catalog (`cat`), formats of extended attributes, or both. Default `cat`. */
	readonly formats?: readonly SignFormat[];
	/** The digest of attributes, `sha256` by default. Catalogs always contain SHA-256. */
	readonly digest?: EvidenceDigest;
	/**
	 * With `ima`, the catalog carries the IMA and EVM attributes of the files, so that `restoreAttributes` can write
	 * them later.
	 */
	readonly carry?: "ima";
	/**
	 * The path of the catalog. For one directory, the default is a file in it, `<dir>/<name>.cat`. Otherwise a catalog
	 * needs a path.
	 */
	readonly output?: string;
	/**
	 * With `none`, an unsigned catalog is written, for `finishCatalog`. Attribute formats that are signatures need a
	 * signer, and formats that are hashes need none.
	 */
	readonly signer: Signer | "none";
	readonly description?: string;
	readonly url?: string;
	/** The request for a timestamp over the signature of the catalog. Without it the catalog gets no timestamp. */
	readonly timestamp?: TimestampRequest;
	/**
	 * `own`, the default, replaces only catalogs that sigtool wrote, and refuses a sequence lower than the tree has.
	 * `any` replaces any file.
	 */
	readonly overwrite?: "own" | "any";
	/**
	 * Ends the work early, also while a timestamping authority is asked. A signer that is at work is not waited for. The
	 * promise rejects with AbortError, and no catalog is written. Attributes that were written before are kept.
	 */
	readonly signal?: AbortSignal;
}

/** Reports what `signPaths` has signed and written. */
export interface SignResult {
	/** Undefined if only attributes were written. */
	readonly catalog: WrittenCatalog | undefined;
	readonly attributes: readonly WrittenAttribute[];
	/** The number of files whose EVM signature became invalid because their IMA attribute changed. */
	readonly overtakenCount: number;
	/** The real path of the directory that entry paths are relative to. */
	readonly root: string;
	/** A note for the user if the root is not the one directory that the user named. */
	readonly rootNote: string | undefined;
	readonly fileCount: number;
	readonly linkCount: number;
	readonly totalBytes: number;
	readonly ignoredCount: number;
	readonly ignoreRules: readonly string[];
	/** Texts for the user about facts that may surprise the user later. */
	readonly warnings: readonly string[];
	readonly signer: Signer | undefined;
	/** The signing time in milliseconds since the epoch. */
	readonly time: number;
}

/** Describes the catalog that `signPaths` has written. */
export interface WrittenCatalog {
	readonly file: string;
	readonly product: string;
	/** The number that grows with each release of the product. */
	readonly sequence: number;
	readonly sizeBytes: number;
	/** The number of files whose attributes the catalog carries. */
	readonly carryingCount: number;
	/**
	 * The SHA-256 of an unsigned catalog, in lower-case hexadecimal, for `expectDigest` on the signing machine.
	 * Undefined for a signed catalog.
	 */
	readonly unsignedSha256: string | undefined;
	readonly timestamp: NewTimestamp | undefined;
}

/**
 * Signs files or directories: writes one catalog over them, extended attributes of each file, or both. A catalog is
 * written last and atomically, so a call that fails leaves the old one.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_CATALOG_EXISTS, `ERR_FILE_*`, `ERR_LINK_*`, ERR_STALE_BYTECODE,
 * `ERR_PATH_*`, ERR_LIMIT, ERR_IO, ERR_KEY, `ERR_ATTRIBUTE_*`, ERR_CROSS_SIGNATURE, ERR_NETWORK, ERR_TIMESTAMP,
 * AbortError, and ERR_UNSIGNED if there is nothing to carry
 * @example
 * ```ts
 * import { openPemSigner, signPaths } from "@sigtool/core";
 *
 * const signer = await openPemSigner({ keyFile: "release.key", certFile: "release.crt" });
 * const { catalog, fileCount } = await signPaths(["src"], { signer, exclude: ["*.log"] });
 * console.log(catalog?.file, fileCount); // src/src.cat 2
 * ```
 */
export async function signPaths(paths: readonly string[], options: SignOptions): Promise<SignResult> {
	return signTarget(resolveSignTarget(paths, options), options);
}

/** Signs the target that `resolveSignTarget` returned for the same options. @throws as `signPaths` */
export async function signTarget(target: SignTarget, options: SignOptions): Promise<SignResult> {
	const { formats = ["cat"], signal } = options;
	throwIfAborted(signal);
	const signer = options.signer === "none" ? undefined : options.signer;
	const { firstPath, root, scope, output } = target;
	const { product, time, sequence } = releaseOf(target, options);
	if (output !== undefined && options.overwrite !== "any")
		checkReplaceable(output, root, { product, isDefaultProduct: options.product === undefined, sequence });
	const attributeFormats = formats.filter((format) => format !== "cat");
	const attributes =
		attributeFormats.length > 0 || options.carry !== undefined
			? await prepareAttributes({ ...options, signer, formats: attributeFormats, carry: options.carry === "ima" })
			: undefined;
	const { hashed, rules, ignoredCount } = await hashTarget(target, options, attributes?.hashing);
	refuseProblems(firstPath, hashed.root, hashed.problems);
	refuseNothing(target, hashed);
	refuseStaleBytecode(hashed);
	throwIfAborted(signal);
	const manifest = options.carry === undefined ? hashed : carrying(hashed, attributes?.carried);
	const named = { ...options, signer, product, sequence, time };
	const catalog = output === undefined ? undefined : await writeCatalog(output, manifest, rules, named);
	const linkCount = manifest.linkTargets.size;
	return {
		catalog: catalog && { ...catalog, file: options.output ?? join(firstPath, catalog.file) },
		attributes: attributes?.written() ?? [],
		overtakenCount: attributes?.overtakenCount() ?? 0,
		root,
		rootNote:
			scope === "root" || output === undefined
				? undefined
				: `relative to ${root}; verify with: ${shell`${COMMAND} verify ${root} --catalog ${output}`}`,
		fileCount: manifest.count - linkCount,
		linkCount,
		totalBytes: manifest.sizes.reduce((sum, size) => sum + size, 0),
		ignoredCount,
		ignoreRules: [...rules.ignore, ...rules.include.map((glob) => `include ${glob}`)],
		warnings:
			output === undefined
				? []
				: [...otherCatalogs(root, output), ...unusualName(output), ...linksThatNpmDrops(manifest)],
		signer,
		time,
	};
}

/** Adds the carried attributes to the manifest. @throws ERR_UNSIGNED if no file has anything to carry */
function carrying(manifest: Manifest, carried: Manifest["carried"]): Manifest {
	if (carried !== undefined && carried.size > 0) return { ...manifest, carried };
	const message = "Cannot carry attributes: no file has one of IMA or EVM; add --format ima, or sign with evmctl first";
	throw new SigtoolError("ERR_UNSIGNED", message);
}

async function writeCatalog(
	output: string,
	manifest: Manifest,
	rules: SelectionRules,
	options: Omit<SignOptions, "signer"> & {
		readonly signer: Signer | undefined;
		readonly product: string;
		readonly sequence: number;
		readonly time: number;
	},
): Promise<WrittenCatalog> {
	const { signer, product, time, sequence } = options;
	const facts = factsOf(manifest, rules, options);
	const list = encodeCatalog(manifest, facts, { thisUpdate: time });
	const { pieces, timestamp } =
		signer === undefined
			? { pieces: encodeUnsigned(list), timestamp: undefined }
			: await signEncoded(list, signer, options);
	throwIfAborted(options.signal);
	writeAtomically(output, pieces);
	return {
		file: basename(output),
		product,
		sequence,
		sizeBytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
		carryingCount: manifest.carried?.size ?? 0,
		unsignedSha256: signer === undefined ? sha256Hex(pieces) : undefined,
		timestamp,
	};
}

/**
 * Warns of other catalogs in the directory, which are signed as files. If the directory is renamed later, `verify`
 * cannot tell which of the catalogs belongs to it.
 */
function otherCatalogs(root: string, output: string): string[] {
	if (dirname(output) !== root) return [];
	return ownCatalogsIn(root)
		.filter((file) => file !== output)
		.map(
			(file) =>
				`${quote(basename(file))} is another catalog in this directory, and is signed as a file; ` +
				"to have one catalog alone, remove it and sign again",
		);
}

/** Warns of a name without `.cat`, because the search for the catalogs of a directory does not find such a catalog. */
function unusualName(output: string): string[] {
	if (hasCatalogName(output)) return [];
	const name = quote(basename(output));
	return [
		`${name} does not end in .cat: no directory finds it, so verify it with \`${COMMAND} verify CATALOG --root DIR\``,
	];
}

/** Warns of symbolic links in a package, because `npm pack` drops them and `verify` then reports them as missing. */
function linksThatNpmDrops(manifest: Manifest): string[] {
	const { root, linkTargets } = manifest;
	if (linkTargets.size === 0 || !exists(join(root, "package.json"))) return [];
	const paths = [...linkTargets.keys()].map((index) => entryPathAt(manifest, index));
	const packed = paths.filter((path) => !path.startsWith("node_modules/"));
	if (packed.length === 0) return [];
	const links = packed.length === 1 ? "1 link" : `${packed.length} links`;
	const message = `npm leaves symbolic links out of packages: ${links} will be missing from one, such as ${quote(packed[0])}`;
	return [`${message}; --links follow signs files in their place`];
}

function factsOf(
	manifest: Manifest,
	rules: SelectionRules,
	options: Omit<SignOptions, "signer"> & { readonly product: string; readonly sequence: number },
): CatalogFacts {
	return {
		product: options.product,
		sequence: options.sequence,
		modes: process.platform === "win32" ? "none" : "posix",
		links: options.links !== "follow" ? "record" : options.linksOutside === "record" ? "follow-outside" : "follow",
		caseCollisions: options.caseCollisions ?? "refuse",
		ignore: rules.ignore,
		include: rules.include,
		scope: rules.scope,
		...entryFacts(manifest),
	};
}
