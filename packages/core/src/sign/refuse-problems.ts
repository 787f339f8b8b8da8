/** Refuses to sign a file set that has entries which cannot be signed. The error lists all of these entries. */

import { quote, SigtoolError } from "../errors.js";

/**
 * Throws if there are problems. A single problem is thrown as it is, except that its message may get a way out.
 * Several problems become one error that has all of them in `problems`. Its code is that of the first problem with exit
 * status 1, which is about the tree, or else of the first problem, which is about the system.
 * @param root is the directory to which the paths of the problems are relative
 */
export function refuseProblems(path: string, root: string, problems: readonly SigtoolError[]): void {
	if (problems.length === 0) return;
	const named = namedProblems(path, root, problems);
	const [first] = named;
	if (named.length === 1) throw first;
	const { code } = named.find(({ exitStatus }) => exitStatus === 1) ?? first;
	const message = `Cannot sign ${quote(path)}: ${named.length} entries cannot be signed`;
	throw new SigtoolError(code, message, { path, root, problems: named });
}

/** Returns the problems, each with its way out in the message. `path` is the directory or file that the user named. */
export function namedProblems(path: string, root: string, problems: readonly SigtoolError[]): SigtoolError[] {
	return problems.map((problem) => withWayOut(problem, path, root));
}

function withWayOut({ code, message, path, cause }: SigtoolError, directory: string, root: string): SigtoolError {
	const way = wayOut(code, directory);
	return new SigtoolError(code, way === undefined ? message : `${message}; ${way}`, { path, root, cause });
}

/** Names the directory that was given, because the name of an entry does not tell where the entry is. */
function wayOut(code: SigtoolError["code"], directory: string): string | undefined {
	if (code === "ERR_FILE_TYPE") return "--exclude leaves it out";
	// The messages about collisions name a way out themselves.
	if (!code.startsWith("ERR_PATH_") || code.endsWith("_COLLISION")) return undefined;
	return `rename it in ${quote(directory)}, or leave it out with --exclude`;
}
