/** Groups unsigned files by the directories that somebody would sign, or adopt, as a whole. */

export interface SigningGroup {
	readonly directory: string;
	/** `adopt` for a directory of the system, whose files nobody signs. */
	readonly way: "sign" | "adopt";
	readonly files: readonly string[];
}

/** The group of a file is decided by its path alone, because a log can come from another machine. */
export function groupFiles(paths: Iterable<string>): SigningGroup[] {
	const groups = new Map<string, string[]>();
	for (const path of [...paths].sort()) {
		const directory = treeOf(path);
		groups.set(directory, [...(groups.get(directory) ?? []), path]);
	}
	const outermost = [...groups.keys()].filter(
		(each) => ![...groups.keys()].some((other) => each.startsWith(`${other}/`)),
	);
	return outermost.sort().map((directory) => ({
		directory,
		way: isOfSystem(directory) ? "adopt" : "sign",
		files: [...groups].flatMap(([each, files]) => (`${each}/`.startsWith(`${directory}/`) ? files : [])),
	}));
}

/** Returns the directory that belongs together with a file: that of its project, or of Python's library. */
function treeOf(path: string): string {
	const modules = path.indexOf("/node_modules/");
	if (modules > 0) return path.slice(0, modules);
	const library = /^.*?\/(?:lib|lib64)\/python[\d.]+(?:\/(?:dist|site)-packages)?(?=\/)/.exec(path)?.[0];
	return library ?? (path.slice(0, Math.max(path.lastIndexOf("/"), 1)) || "/");
}

function isOfSystem(directory: string): boolean {
	return /^\/(?:usr|lib|lib64|opt\/python)(?:\/|$)/.test(directory) && !directory.startsWith("/usr/local/src");
}
