/** Finds the root directory, the part of it to sign, and the path of the catalog, for the paths that a user signs. */

import { dirname, sep } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { absolutePath } from "../fileset/paths/absolute-path.js";
import {
	conventionalCatalog,
	entryPathOf,
	inRealDirectory,
	kindOf,
	realPath,
} from "../fileset/paths/locate-catalogs.js";
import type { SelectionRules } from "../fileset/select/selection.js";
import { outputFile } from "../system/output-file.js";

export interface TargetOptions {
	/** `cat`, and formats of extended attributes. Default `cat`. */
	readonly formats?: readonly string[];
	readonly output?: string;
	readonly files?: readonly string[];
	readonly carry?: "ima";
}

export interface SignTarget {
	/** The first path as the caller gave it, for messages. */
	readonly firstPath: string;
	/** The real path of the directory that entry paths are relative to. */
	readonly root: string;
	readonly scope: SelectionRules["scope"];
	/** The real path of the catalog. Undefined if only attributes are written. */
	readonly output: string | undefined;
}

/**
 * Returns the target for these paths. For one directory, the root is this directory. For a file, or for several paths,
 * the root is the deepest directory that contains all of them. The content of files is not read, so that a caller can
 * detect mistakes before it asks for a passphrase.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_IO
 */
export function resolveSignTarget(paths: readonly string[], options: TargetOptions): SignTarget {
	const { formats = ["cat"], output, files, carry } = options;
	const [firstPath] = paths;
	const writesCatalog = formats.includes("cat");
	if (!writesCatalog && (output ?? carry) !== undefined) {
		throw new SigtoolError("ERR_USAGE", "Add --format cat: --output and --carry are about a catalog");
	}
	const written = output === undefined ? undefined : outputFile(output);
	const kinds = paths.map(kindOf);
	if (paths.length === 1 && kinds[0] === "directory") {
		const root = realPath(firstPath);
		if (writesCatalog && output === undefined && root === dirname(root)) {
			throw new SigtoolError("ERR_USAGE", `Cannot name a catalog for ${quote(root)}: use -o`);
		}
		const usual = writesCatalog ? conventionalCatalog(root) : undefined;
		const scope = files === undefined ? "root" : "listed";
		return { firstPath, root, scope, output: written === undefined ? usual : inRealDirectory(written) };
	}
	if (files !== undefined) throw new SigtoolError("ERR_USAGE", "Give one directory with --files-from");
	if (writesCatalog && output === undefined)
		throw new SigtoolError(
			"ERR_USAGE",
			"Name the catalog with -o, or as `output` of the configuration: there is no one directory to put it in",
		);
	const reals = paths.map((path) => inRealDirectory(absolutePath(path)));
	const root = commonDirectory(reals.map((path, index) => (kinds[index] === "directory" ? path : dirname(path))));
	const scope = reals.map((path) => entryPathOf(root, path)).filter((path) => path !== "");
	return {
		firstPath,
		root,
		scope: scope.length < reals.length ? "root" : scope,
		output: written === undefined ? undefined : inRealDirectory(written),
	};
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
