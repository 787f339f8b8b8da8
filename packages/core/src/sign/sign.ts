/**
 * Hashes a set of files once, and writes a catalog, extended attributes, or both.
 *
 * The steps are: paths → target and rules → `hashFileSet`, which writes attributes while it reads → facts →
 * `encodeCatalog` → `Signer` → a temporary file, which is renamed. A catalog is written only if every earlier step has
 * succeeded.
 */

import { basename, dirname, join } from "node:path";
import { COMMAND, quote, SigtoolError } from "../errors.js";
import { type HashProgress, hashFileSet } from "../fileset/hash-files.js";
import { conventionalCatalog, entryPathOf, hasCatalogName, kindOf } from "../fileset/locate-catalogs.js";
import { entryPathAt, type Manifest } from "../fileset/manifest.js";
import {
	IGNORE_FILE,
	ignorePatterns,
	type Selection,
	type SelectionRules,
	VERSION_CONTROL,
} from "../fileset/selection.js";
import { refuseStaleBytecode } from "../fileset/stale-bytecode.js";
import type { AttributeFormat, AttributeNaming } from "../formats/attribute-format.js";
import { encodeCatalog } from "../formats/cat-encode.js";
import { encodeUnsigned, sha256Hex, signEncoded } from "../formats/cat-envelope.js";
import { type CatalogFacts, entryFacts } from "../formats/cat-facts.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";
import { exists, readBounded, temporaryNameFor, writeAtomically } from "../system/store.js";
import { isOwnCatalog } from "../verify/catalog-file.js";
import { ownCatalogsIn } from "../verify/find-catalogs.js";
import { type Prepare, prepareSelection } from "./prepared.js";
import { refuseProblems } from "./refuse-problems.js";
import { checkReplaceable } from "./replaceable.js";
import { type AttributeSignOptions, prepareAttributes, type WrittenAttribute } from "./sign-attributes.js";
import { resolveSignTarget, type SignTarget } from "./target.js";

export type SignFormat = "cat" | AttributeFormat;

export interface SignOptions extends AttributeNaming {
	/** Selects a catalog (`cat`), formats of extended attributes, or both. Default `cat`. */
	readonly formats?: readonly SignFormat[];
	/** The digest of attributes, `sha256` by default. Catalogs always contain SHA-256. */
	readonly digest?: AttributeSignOptions["digest"];
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
	/** Globs. If there are any, only files that match one of them are signed. */
	readonly include?: readonly string[];
	/** Patterns in .gitignore's syntax, in addition to the patterns in the tree's .sigtoolignore. */
	readonly exclude?: readonly string[];
	/** The only files to sign, relative to the one directory that is given. */
	readonly files?: readonly string[];
	readonly links?: "record" | "reject" | "follow";
	/**
	 * Decides about symbolic links that lead out of the tree. Default `refuse`; if only attributes are written and
	 * `links` is `record`, the default is `record`, because links have no attributes.
	 */
	readonly linksOutside?: "refuse" | "record";
	readonly caseCollisions?: "refuse" | "allow";
	/** Default: the name of the root directory. */
	readonly product?: string;
	/** Default: the signing time in seconds. */
	readonly sequence?: number;
	readonly description?: string;
	readonly url?: string;
	readonly sha1Twins?: "omit" | "write";
	/** Is called before files are hashed, with the files to be signed. It may create files. */
	readonly prepare?: Prepare;
	/** The request for a timestamp over the signature of the catalog. Without it the catalog gets no timestamp. */
	readonly timestamp?: TimestampRequest;
	/**
	 * `own`, the default, replaces only catalogs that sigtool wrote, and refuses a sequence lower than the tree has.
	 * `any` replaces any file.
	 */
	readonly overwrite?: "own" | "any";
	/** The signing time in milliseconds since the epoch. Default: now. */
	readonly time?: number;
	readonly onProgress?: (done: HashProgress) => void;
}

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

export interface WrittenCatalog {
	readonly file: string;
	readonly product: string;
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
 * Signs files or directories; `resolveSignTarget` and `signTarget` are its two steps.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_CATALOG_EXISTS, ERR_FILE_*, ERR_LINK_*, ERR_STALE_BYTECODE, ERR_PATH_*,
 * ERR_LIMIT, ERR_IO, ERR_KEY, ERR_ATTRIBUTE_*, ERR_CROSS_SIGNATURE, ERR_NETWORK, ERR_TIMESTAMP, and ERR_UNSIGNED if
 * there is nothing to carry
 */
export async function signPaths(paths: readonly string[], options: SignOptions): Promise<SignResult> {
	return signTarget(resolveSignTarget(paths, options), options);
}

/** Signs the target that `resolveSignTarget` returned for the same options. @throws as `signPaths` */
export async function signTarget(target: SignTarget, options: SignOptions): Promise<SignResult> {
	const { formats = ["cat"] } = options;
	const signer = options.signer === "none" ? undefined : options.signer;
	const { firstPath, root, scope, output } = target;
	if (scope === "listed" && (options.exclude ?? options.include) !== undefined) {
		throw new SigtoolError(
			"ERR_USAGE",
			"Use --files-from without --include and --exclude: it names exactly what is signed",
		);
	}
	const product = options.product ?? basename(root);
	if (product === "")
		throw new SigtoolError("ERR_USAGE", `Cannot sign ${quote(firstPath)}: name the product with --product`);
	const time = options.time ?? Date.now();
	const { sequence = Math.floor(time / 1000) } = options;
	if (output !== undefined && options.overwrite !== "any")
		checkReplaceable(output, root, { product, isDefaultProduct: options.product === undefined, sequence });
	const attributeFormats = formats.filter((format) => format !== "cat");
	const attributes =
		attributeFormats.length > 0 || options.carry !== undefined
			? await prepareAttributes({ ...options, signer, formats: attributeFormats, carry: options.carry === "ima" })
			: undefined;
	const given: SelectionRules = {
		// A list of files names exactly the files to sign, so no rule may remove a file.
		ignore:
			scope === "listed"
				? []
				: [...ignoreFilePatterns(root), ...(options.exclude ?? []), ...otherCatalogPattern(root, scope, output)],
		include: options.include ?? [],
		scope,
	};
	const { selection, used } = selectUnversioned(root, given, options, output);
	const { links = "record" } = options;
	const hashed = await hashFileSet(root, {
		digest: options.sha1Twins === "write" ? "sha256+sha1" : "sha256",
		links,
		linksOutside: options.linksOutside ?? (output === undefined && links === "record" ? "record" : "refuse"),
		caseCollisions: options.caseCollisions ?? "refuse",
		exclude: selection.excludes,
		only: options.files?.map(normalizeListed),
		skip: output === undefined ? undefined : ownPaths(root, output),
		onProblem: "collect",
		onProgress: options.onProgress,
		...attributes?.hashing,
	});
	refuseProblems(firstPath, hashed.problems);
	if (hashed.count === (output === undefined ? hashed.linkTargets.size : 0)) {
		throw new SigtoolError("ERR_USAGE", `Cannot sign ${quote(firstPath)}: there are no files to sign`);
	}
	refuseStaleBytecode(hashed);
	const manifest = options.carry === undefined ? hashed : carrying(hashed, attributes?.carried);
	const rules = { ...given, ignore: [...used(), ...given.ignore] };
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
				: `relative to ${root}; verify with: ${COMMAND} verify ${root} --catalog ${output}`,
		fileCount: manifest.count - linkCount,
		linkCount,
		totalBytes: manifest.sizes.reduce((sum, size) => sum + size, 0),
		ignoredCount: selection.ignoredCount,
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
 * Returns the pattern that excludes an older catalog at the default path, if there is one and the new catalog is
 * written elsewhere. The new catalog records the pattern, so that `verify` does not report the old catalog as added.
 */
function otherCatalogPattern(root: string, scope: SignTarget["scope"], output: string | undefined): string[] {
	const usual = conventionalCatalog(root);
	if (scope !== "root" || usual === output || !exists(usual) || kindOf(usual) !== "file" || !isOwnCatalog(usual))
		return [];
	return [`/${basename(usual).replace(/[\\*?[\]! ]/g, "\\$&")}`];
}

interface Unversioned {
	readonly selection: Selection;
	/**
	 * Returns the patterns of VERSION_CONTROL to record in the catalog. The result is complete only after the tree has
	 * been walked.
	 */
	readonly used: () => readonly string[];
}

/**
 * Selects files by the rules and VERSION_CONTROL. VERSION_CONTROL does not apply if no catalog is written, because
 * nothing can then record its patterns. It does not apply either if the user gave a list of files, because the list
 * names exactly the files to sign. In the second case the patterns that exist in the tree are recorded, so that
 * `verify` does not count the other files.
 */
function selectUnversioned(
	root: string,
	rules: SelectionRules,
	options: SignOptions,
	output: string | undefined,
): Unversioned {
	if (output === undefined || rules.scope === "listed") {
		const present = output === undefined ? [] : VERSION_CONTROL.filter((name) => exists(join(root, name)));
		return { selection: prepareSelection(root, rules, options), used: () => present };
	}
	const ignore = [...VERSION_CONTROL, ...rules.ignore];
	const selection = prepareSelection(root, { ...rules, ignore }, options);
	const used = new Set<string>();
	return {
		selection: {
			isOutside: selection.isOutside,
			excludes(path, kind) {
				const isLeftOut = selection.excludes?.(path, kind) === true;
				if (isLeftOut) used.add(path.slice(path.lastIndexOf("/") + 1));
				return isLeftOut;
			},
			get ignoredCount() {
				return selection.ignoredCount;
			},
		},
		used: () => VERSION_CONTROL.filter((name) => used.has(name) && !rules.ignore.includes(name)),
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

const MAX_IGNORE_FILE_BYTES = 2 ** 20;

function ignoreFilePatterns(root: string): string[] {
	const file = join(root, IGNORE_FILE);
	if (!exists(file)) return [];
	return ignorePatterns(Buffer.from(readBounded(file, MAX_IGNORE_FILE_BYTES)).toString("utf8"));
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

/** Returns the entry paths of the output and of its temporary file, which may be inside the tree. */
function ownPaths(root: string, output: string): Set<string> {
	return new Set([output, temporaryNameFor(output)].map((path) => entryPathOf(root, path)));
}

function normalizeListed(path: string): string {
	return path.startsWith("./") ? path.slice(2) : path;
}
