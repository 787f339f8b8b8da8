/** Groups unsigned files by the directories that somebody would sign, or adopt, as a whole. */

import { basename } from "node:path";

/** A directory whose files are signed, or adopted, as one product. */
export interface Tree {
	readonly directory: string;
	/** `adopt` for a directory of the system, whose files nobody signs. */
	readonly way: "sign" | "adopt";
	/** The name of the product. That of an adopted directory is its path. */
	readonly product: string;
}

export interface SigningGroup extends Tree {
	readonly files: readonly string[];
}

/**
 * Returns the outermost directories of files that no signature covers. A file below one of the `known` directories
 * belongs to it. The group of another file is decided by its path alone, because a log can come from another machine.
 */
export function groupFiles(paths: Iterable<string>, known: readonly Tree[]): SigningGroup[] {
	const groups = new Map<string, string[]>();
	for (const path of [...paths].sort()) {
		const directory = known.find((tree) => isBelow(path, tree.directory))?.directory ?? treeOf(path);
		groups.set(directory, [...(groups.get(directory) ?? []), path]);
	}
	const directories = [...groups.keys()];
	const outermost = directories.filter((each) => !directories.some((other) => isBelow(each, other))).sort();
	const names = new Set(known.map(({ product }) => product));
	return outermost.map((directory) => {
		const tree = known.find((each) => each.directory === directory) ?? newTree(directory, names);
		names.add(tree.product);
		return {
			...tree,
			files: [...groups].flatMap(([each, files]) => (each === directory || isBelow(each, directory) ? files : [])),
		};
	});
}

export function isBelow(path: string, directory: string): boolean {
	return path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
}

function newTree(directory: string, names: ReadonlySet<string>): Tree {
	if (isOfSystem(directory)) return { directory, way: "adopt", product: directory };
	// `sign` takes the last part of the path. An index cannot hold two products of one name.
	// A name has no control characters.
	const parts = directory
		.replace(/\p{Cc}/gu, "_")
		.split("/")
		.filter((part) => part !== "");
	for (let count = 1; count < parts.length; count++) {
		const product = parts.slice(-count).join("-");
		if (!names.has(product)) return { directory, way: "sign", product };
	}
	return { directory, way: "sign", product: parts.join("-") || "root" };
}

/** Returns true if `sign` gives the product this name by itself. */
export function hasUsualName({ directory, product }: Tree): boolean {
	return basename(directory) === product;
}

/** Returns the directory that belongs together with a file: that of its project, or of Python's library. */
function treeOf(path: string): string {
	const modules = path.indexOf("/node_modules/");
	if (modules > 0) return path.slice(0, modules);
	const library = /^.*?\/(?:lib|lib64)\/python[\d.]+(?:\/(?:dist|site)-packages)?(?=\/)/.exec(path)?.[0];
	return library ?? (path.slice(0, Math.max(path.lastIndexOf("/"), 1)) || "/");
}

/** Debian's Python has a part of its library in /etc. */
function isOfSystem(directory: string): boolean {
	return (
		/^\/(?:usr|lib|lib64|opt\/python|etc\/python[\d.]+)(?:\/|$)/.test(directory) &&
		!directory.startsWith("/usr/local/src")
	);
}
