/**
 * The verb: hash a set of files once, and sign it into one catalog, into extended attributes, or into both.
 *
 * paths → root and rules → `hashFileSet`, which writes attributes as it goes → facts → `encodeCatalog` → `Signer` →
 * written beside the target and renamed. No catalog is written unless everything before succeeded.
 */

import { basename, dirname, join, resolve, sep } from "node:path";
import { quote, SigtoolError } from "./errors.js";
import { type HashProgress, hashFileSet } from "./fileset/hash-files.js";
import { conventionalCatalog, entryPathOf, kindOf, realPath } from "./fileset/locate-catalogs.js";
import type { Manifest } from "./fileset/manifest.js";
import { IGNORE_FILE, ignorePatterns, type SelectionRules } from "./fileset/selection.js";
import { refuseStaleBytecode } from "./fileset/stale-bytecode.js";
import type { AttributeFormat, AttributeNaming } from "./formats/attribute-format.js";
import { encodeCatalog } from "./formats/cat-encode.js";
import { encodeUnsigned, sha256Hex, signEncoded } from "./formats/cat-envelope.js";
import { type CatalogFacts, entryFacts } from "./formats/cat-facts.js";
import type { NewTimestamp, TimestampRequest } from "./pki/timestamp-request.js";
import { type AttributeSignOptions, prepareAttributes, type WrittenAttribute } from "./sign-attributes.js";
import { type Prepare, prepareSelection } from "./sign-prepared.js";
import type { Signer } from "./signer/signer.js";
import { exists, readBounded, requireFileName, temporaryNameFor, writeAtomically } from "./store.js";
import { isOwnCatalog } from "./verify-sources.js";

export type SignFormat = "cat" | AttributeFormat;

export interface SignOptions extends AttributeNaming {
	/** What to write. Default `cat`. */
	readonly formats?: readonly SignFormat[];
	/** Of the attributes. Default `sha256`; catalogs always have it. */
	readonly digest?: AttributeSignOptions["digest"];
	/** `ima`: the catalog carries the IMA and EVM attributes that the files have, for `restoreAttributes`. */
	readonly carry?: "ima";
	/** Where the catalog goes; `<dir>/<name>.cat` for one directory when absent. */
	readonly output?: string;
	/** Absent: the catalog is written unsigned, for `finishCatalog`. Signatures in attributes need one. */
	readonly signer?: Signer;
	/** Globs; only what matches is signed. */
	readonly include?: readonly string[];
	/** Patterns in .gitignore's syntax, beside those of the tree's .sigtoolignore. */
	readonly exclude?: readonly string[];
	/** Exactly these files, relative to the one directory given. */
	readonly files?: readonly string[];
	readonly links?: "record" | "reject" | "follow";
	/** Default `refuse`; `record` where attributes alone are written, which links do not have. */
	readonly linksOutside?: "refuse" | "record";
	readonly caseCollisions?: "refuse" | "allow";
	/** Default: the name of the root directory. */
	readonly product?: string;
	/** Default: the signing time in seconds. */
	readonly sequence?: number;
	readonly description?: string;
	readonly url?: string;
	readonly sha1Twins?: "omit" | "write";
	/** Called before anything is hashed, with the files about to be signed. */
	readonly prepare?: Prepare;
	/** For a signed catalog. */
	readonly timestamp?: TimestampRequest;
	/** `own` replaces only catalogs that sigtool wrote. */
	readonly overwrite?: "own" | "any";
	/** Milliseconds since the epoch; now when absent. */
	readonly time?: number;
	readonly onProgress?: (done: HashProgress) => void;
}

export interface SignResult {
	/** Absent when attributes alone were written. */
	readonly catalog: WrittenCatalog | undefined;
	readonly attributes: readonly WrittenAttribute[];
	/** Files whose EVM signature no longer holds, as IMA's value is another. */
	readonly overtakenCount: number;
	/** Directory the entries' paths are relative to. */
	readonly root: string;
	/** Said when the root is not simply the directory that was named. */
	readonly rootNote: string | undefined;
	readonly fileCount: number;
	readonly linkCount: number;
	readonly totalBytes: number;
	readonly ignoredCount: number;
	readonly ignoreRules: readonly string[];
	readonly signer: Signer | undefined;
	/** Milliseconds since the epoch. */
	readonly time: number;
}

export interface WrittenCatalog {
	readonly file: string;
	readonly product: string;
	readonly sequence: number;
	readonly sizeBytes: number;
	/** Files whose attributes it carries. */
	readonly carryingCount: number;
	/** Lowercase hexadecimal SHA-256 of an unsigned catalog, for whoever signs it to expect. */
	readonly unsignedSha256: string | undefined;
	readonly timestamp: NewTimestamp | undefined;
}

/**
 * Signs files or directories.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_CATALOG_EXISTS, ERR_FILE_*, ERR_LINK_*, ERR_STALE_BYTECODE, ERR_PATH_*, ERR_LIMIT, ERR_IO, ERR_KEY,
 * ERR_ATTRIBUTE_*, ERR_CROSS_SIGNATURE, ERR_NETWORK, ERR_TIMESTAMP, and ERR_UNSIGNED when there is nothing to carry
 */
export async function signPaths(paths: readonly string[], options: SignOptions): Promise<SignResult> {
	const { signer, formats = ["cat"] } = options;
	const { root, scope, output } = resolveTarget(paths, options);
	if (scope === "listed" && (options.exclude ?? options.include) !== undefined) {
		throw new SigtoolError(
			"ERR_USAGE",
			"Use --files-from without --include and --exclude: it names exactly what is signed",
		);
	}
	const product = options.product ?? basename(root);
	if (product === "")
		throw new SigtoolError("ERR_USAGE", `Cannot sign ${quote(paths[0])}: name the product with --product`);
	if (output !== undefined) checkReplaceable(output, options.overwrite ?? "own");
	const attributeFormats = formats.filter((format) => format !== "cat");
	const attributes =
		attributeFormats.length > 0 || options.carry !== undefined
			? await prepareAttributes({ ...options, formats: attributeFormats, carry: options.carry === "ima" })
			: undefined;
	const rules: SelectionRules = {
		// A list names exactly what is signed: no rule takes anything from it.
		ignore:
			scope === "listed"
				? []
				: [...ignoreFilePatterns(root), ...(options.exclude ?? []), ...otherCatalogPattern(root, scope, output)],
		include: options.include ?? [],
		scope,
	};
	const selection = await prepareSelection(root, rules, options);
	const { links = "record" } = options;
	const hashed = await hashFileSet(root, {
		digest: options.sha1Twins === "write" ? "sha256+sha1" : "sha256",
		links,
		linksOutside: options.linksOutside ?? (output === undefined && links === "record" ? "record" : "refuse"),
		caseCollisions: options.caseCollisions ?? "refuse",
		exclude: selection.excludes,
		only: options.files?.map(normalizeListed),
		skip: output === undefined ? undefined : ownPaths(root, output),
		onProblem: "throw",
		onProgress: options.onProgress,
		...attributes?.hashing,
	});
	if (hashed.count === (output === undefined ? hashed.linkTargets.size : 0)) {
		throw new SigtoolError("ERR_USAGE", `Cannot sign ${quote(paths[0])}: there are no files to sign`);
	}
	refuseStaleBytecode(hashed);
	const manifest = options.carry === undefined ? hashed : carrying(hashed, attributes?.carried);
	const time = options.time ?? Date.now();
	const catalog =
		output === undefined ? undefined : await writeCatalog(output, manifest, rules, { ...options, product, time });
	const linkCount = manifest.linkTargets.size;
	return {
		catalog: catalog && { ...catalog, file: options.output ?? join(paths[0], catalog.file) },
		attributes: attributes?.written() ?? [],
		overtakenCount: attributes?.overtakenCount() ?? 0,
		root,
		rootNote:
			scope === "root" || output === undefined
				? undefined
				: `relative to ${root}; verify with: sigtool verify ${root} --catalog ${output}`,
		fileCount: manifest.count - linkCount,
		linkCount,
		totalBytes: manifest.sizes.reduce((sum, size) => sum + size, 0),
		ignoredCount: selection.ignoredCount,
		ignoreRules: [...rules.ignore, ...rules.include.map((glob) => `include ${glob}`)],
		signer,
		time,
	};
}

/** @throws ERR_UNSIGNED when no file has anything to carry */
function carrying(manifest: Manifest, carried: Manifest["carried"]): Manifest {
	if (carried !== undefined && carried.size > 0) return { ...manifest, carried };
	const message = "Cannot carry attributes: no file has one of IMA or EVM; add --format ima, or sign with evmctl first";
	throw new SigtoolError("ERR_UNSIGNED", message);
}

async function writeCatalog(
	output: string,
	manifest: Manifest,
	rules: SelectionRules,
	options: SignOptions & { readonly product: string; readonly time: number },
): Promise<WrittenCatalog> {
	const { signer, product, time, sequence = Math.floor(time / 1000) } = options;
	const facts = factsOf(manifest, rules, { ...options, product, sequence });
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
 * What `signPaths` refuses before it reads anything, for a caller who has to ask for a passphrase first.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_IO
 */
export function checkSignTarget(paths: readonly string[], options: TargetOptions): void {
	resolveTarget(paths, options);
}

type TargetOptions = Pick<SignOptions, "formats" | "output" | "files" | "carry">;

interface Target {
	readonly root: string;
	readonly scope: SelectionRules["scope"];
	/** Of the catalog, when one is written. */
	readonly output: string | undefined;
}

/** One directory is its own root; several paths share the deepest directory above all of them. */
function resolveTarget(paths: readonly string[], { formats = ["cat"], ...options }: TargetOptions): Target {
	const { output, files, carry } = options;
	const writesCatalog = formats.includes("cat");
	if (!writesCatalog && (output ?? carry) !== undefined) {
		throw new SigtoolError("ERR_USAGE", "Add --format cat: --output and --carry are about a catalog");
	}
	if (output !== undefined) requireFileName(output);
	const kinds = paths.map(kindOf);
	if (paths.length === 1 && kinds[0] === "directory") {
		const root = realPath(paths[0]);
		if (writesCatalog && output === undefined && root === dirname(root)) {
			throw new SigtoolError("ERR_USAGE", `Cannot name a catalog for ${quote(root)}: use -o`);
		}
		const usual = writesCatalog ? conventionalCatalog(root) : undefined;
		const scope = files === undefined ? "root" : "listed";
		return { root, scope, output: output === undefined ? usual : resolveOutput(output) };
	}
	if (files !== undefined) throw new SigtoolError("ERR_USAGE", "Give one directory with --files-from");
	if (writesCatalog && output === undefined)
		throw new SigtoolError("ERR_USAGE", "Name the catalog with -o: there is no one directory to put it in");
	const reals = paths.map((path) => join(realPath(dirname(path)), basename(resolve(path))));
	const root = commonDirectory(reals.map((path, index) => (kinds[index] === "directory" ? path : dirname(path))));
	const scope = reals.map((path) => entryPathOf(root, path)).filter((path) => path !== "");
	return {
		root,
		scope: scope.length < reals.length ? "root" : scope,
		output: output === undefined ? undefined : resolveOutput(output),
	};
}

/** Real directory of the output and its name; the directory must exist. */
function resolveOutput(output: string): string {
	return join(realPath(dirname(resolve(output))), basename(output));
}

function commonDirectory(directories: readonly string[]): string {
	let common = directories[0].split(sep);
	for (const directory of directories.slice(1)) {
		const steps = directory.split(sep);
		let shared = 0;
		while (shared < common.length && common[shared] === steps[shared]) shared++;
		common = common.slice(0, shared);
	}
	return common.join(sep) || sep;
}

/** An existing output is replaced only when it is a catalog of ours, judged by its attributes. */
function checkReplaceable(output: string, overwrite: "own" | "any"): void {
	if (overwrite === "any" || !exists(output) || isOwnCatalog(output)) return;
	const message = `Cannot write catalog ${quote(output)}: the file there was not written by sigtool; --force replaces it`;
	throw new SigtoolError("ERR_CATALOG_EXISTS", message, { path: output });
}

/**
 * A catalog of ours in its usual place is no more part of what is signed than the one being written elsewhere. As a rule
 * that is recorded, so that `verify` does not report it as added.
 */
function otherCatalogPattern(root: string, scope: Target["scope"], output: string | undefined): string[] {
	const usual = conventionalCatalog(root);
	if (scope !== "root" || usual === output || !exists(usual) || kindOf(usual) !== "file" || !isOwnCatalog(usual))
		return [];
	return [`/${basename(usual).replace(/[\\*?[\]! ]/g, "\\$&")}`];
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
	options: SignOptions & { readonly product: string; readonly sequence: number },
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

/** Entry paths of the output and its temporary file, when they lie in the tree. */
function ownPaths(root: string, output: string): Set<string> {
	return new Set([output, temporaryNameFor(output)].map((path) => entryPathOf(root, path)));
}

function normalizeListed(path: string): string {
	return path.startsWith("./") ? path.slice(2) : path;
}
