/**
 * Selects the files of a target by the rules of a signing, and hashes them. A signature and the preview of one share
 * these steps, so that they find the same files and the same problems.
 */

import { basename, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { type HashFileSetOptions, type HashProgress, hashFileSet } from "../fileset/hash/hash-files.js";
import type { Manifest } from "../fileset/manifest.js";
import { conventionalCatalog, entryPathOf, kindOf } from "../fileset/paths/locate-catalogs.js";
import {
	IGNORE_FILE,
	ignorePatterns,
	type Selection,
	type SelectionRules,
	VERSION_CONTROL,
} from "../fileset/select/selection.js";
import { exists } from "../system/look-up.js";
import { readBounded } from "../system/read-file.js";
import { temporaryNameFor } from "../system/store.js";
import { isOwnCatalog } from "../verify/scan-catalog.js";
import { packageProblems } from "./package-files.js";
import { type Prepare, prepareSelection } from "./prepared.js";
import type { SignTarget } from "./target.js";

/** The options that decide about the files and the release, but not about signatures. */
export interface HashingOptions {
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
	/** The number that grows with each release of the product. Default: the signing time in seconds since the epoch. */
	readonly sequence?: number;
	readonly sha1Twins?: "omit" | "write";
	/**
	 * The files of the package that is made of the tree, relative to its directory, as `npm pack --dry-run --json` lists
	 * them. A file is refused that is to be signed and would not be in the package, or would get another mode.
	 */
	readonly packed?: readonly string[];
	/** Is called before files are hashed, with the files to be signed. It may create files. */
	readonly prepare?: Prepare;
	/** The signing time in milliseconds since the epoch. Default: now. */
	readonly time?: number;
	/** Is called while files are hashed: at most every 50 ms, and once more at the end. */
	readonly onProgress?: (done: HashProgress) => void;
	/** Ends the work early. The promise rejects with AbortError. */
	readonly signal?: AbortSignal;
}

/** The names and the number by which a release is known. */
export interface Release {
	readonly product: string;
	/** The signing time in milliseconds since the epoch. */
	readonly time: number;
	readonly sequence: number;
}

/**
 * Returns the product, the time and the sequence of a release, from the options or by default.
 * @throws ERR_USAGE if the directory has no name for the product, or if there are rules beside a list of files
 */
export function releaseOf({ firstPath, root, scope }: SignTarget, options: HashingOptions): Release {
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
	return { product, time, sequence: options.sequence ?? Math.floor(time / 1000) };
}

export interface HashedTarget {
	readonly hashed: Manifest;
	/** The rules that selected the files, as a catalog records them. */
	readonly rules: SelectionRules;
	/** The number of entries that the rules left out. A directory counts once. */
	readonly ignoredCount: number;
}

/**
 * Hashes the files of a target. Entries that cannot be hashed are `problems` of the manifest. `onLeftOut` is called for
 * each entry that the rules leave out.
 * @throws ERR_USAGE, ERR_LIMIT, ERR_IO, AbortError
 */
export async function hashTarget(
	{ root, scope, output }: SignTarget,
	options: HashingOptions,
	hashing: Pick<HashFileSetOptions, "attributes" | "visitor"> = {},
	onLeftOut: (path: string, kind: "file" | "directory") => void = () => {},
): Promise<HashedTarget> {
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
	const { excludes } = selection;
	const hashed = await hashFileSet(root, {
		digest: options.sha1Twins === "write" ? "sha256+sha1" : "sha256",
		links,
		linksOutside: options.linksOutside ?? (output === undefined && links === "record" ? "record" : "refuse"),
		caseCollisions: options.caseCollisions ?? "refuse",
		exclude:
			excludes &&
			((path, kind) => {
				const isLeftOut = excludes(path, kind);
				if (isLeftOut) onLeftOut(path, kind);
				return isLeftOut;
			}),
		only: options.files?.map(normalizeListed),
		skip: output === undefined ? undefined : ownPaths(root, output),
		onProblem: "collect",
		onProgress: options.onProgress,
		signal: options.signal,
		...hashing,
	});
	const problems = output === undefined ? [] : packageProblems(hashed, options.packed);
	return {
		hashed: problems.length === 0 ? hashed : { ...hashed, problems: [...hashed.problems, ...problems] },
		rules: { ...given, ignore: [...used(), ...given.ignore] },
		ignoredCount: selection.ignoredCount,
	};
}

/** Refuses a target without files. Links alone are enough for a catalog. @throws ERR_USAGE */
export function refuseNothing({ firstPath, output }: SignTarget, { count, linkTargets }: Manifest): void {
	if (count > (output === undefined ? linkTargets.size : 0)) return;
	throw new SigtoolError("ERR_USAGE", `Cannot sign ${quote(firstPath)}: there are no files to sign`);
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
	options: HashingOptions,
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

const MAX_IGNORE_FILE_BYTES = 2 ** 20;

function ignoreFilePatterns(root: string): string[] {
	const file = join(root, IGNORE_FILE);
	if (!exists(file)) return [];
	return ignorePatterns(Buffer.from(readBounded(file, MAX_IGNORE_FILE_BYTES)).toString("utf8"));
}

/** Returns the entry paths of the output and of its temporary file, which may be inside the tree. */
function ownPaths(root: string, output: string): Set<string> {
	return new Set([output, temporaryNameFor(output)].map((path) => entryPathOf(root, path)));
}

function normalizeListed(path: string): string {
	return path.startsWith("./") ? path.slice(2) : path;
}
