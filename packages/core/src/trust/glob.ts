/**
 * Matches paths with the globs of a policy. packages/verifier/native/shared/text/glob.c has the same algorithm.
 *
 * The verifier matches while it guards a running program, which can replace the methods of every built-in prototype. So
 * this module calls no method, and reads characters by their index.
 */

/**
 * Tells whether the whole path matches. In the glob, `*` stands for any characters but `/`. A part that is `**` stands for
 * any number of directories, also none; at the end it stands for everything below, so `lib/**` does not match `lib`.
 * Every other character stands for itself. Both must have the form that the schema demands: no empty part, `.` or `..`.
 */
export function matchesGlob(glob: string, path: string): boolean {
	let inGlob = 0;
	let inPath = 0;
	/** The positions behind the last `**`, where the search goes on if the rest does not match. */
	let restOfGlob = -1;
	let restOfPath = 0;
	for (;;) {
		const endInGlob = endOfPart(glob, inGlob);
		const endInPath = endOfPart(path, inPath);
		if (isDirectories(glob, inGlob, endInGlob)) {
			if (endInGlob === glob.length) return true;
			inGlob = endInGlob + 1;
			restOfGlob = inGlob;
			restOfPath = inPath;
			continue;
		}
		const isGlobAtEnd = endInGlob === glob.length;
		const isPathAtEnd = endInPath === path.length;
		if (isGlobAtEnd === isPathAtEnd && matchesPart(glob, inGlob, endInGlob, path, inPath, endInPath)) {
			if (isGlobAtEnd) return true;
			inGlob = endInGlob + 1;
			inPath = endInPath + 1;
			continue;
		}
		if (restOfGlob === -1) return false;
		restOfPath = endOfPart(path, restOfPath) + 1;
		if (restOfPath > path.length) return false;
		inGlob = restOfGlob;
		inPath = restOfPath;
	}
}

/**
 * Tells whether a path, from the position `from` on, is that of an entry: no part of it is empty, `.` or `..`. Paths that
 * are found through a descriptor always are.
 */
export function isEntryPath(path: string, from: number): boolean {
	let start = from;
	for (;;) {
		const end = endOfPart(path, start);
		const length = end - start;
		const hasDot = path[start] === ".";
		if (length === 0 || (length === 1 && hasDot) || (length === 2 && hasDot && path[start + 1] === ".")) return false;
		if (end === path.length) return true;
		start = end + 1;
	}
}

/** Tells whether the last part of a path is `name`. */
export function hasFileName(path: string, name: string): boolean {
	const start = path.length - name.length;
	if (start < 0 || (start > 0 && path[start - 1] !== "/")) return false;
	for (let i = 0; i < name.length; i++) if (path[start + i] !== name[i]) return false;
	return true;
}

function endOfPart(text: string, start: number): number {
	let end = start;
	while (end < text.length && text[end] !== "/") end++;
	return end;
}

function isDirectories(glob: string, start: number, end: number): boolean {
	return end === start + 2 && glob[start] === "*" && glob[start + 1] === "*";
}

/** Matches one part with stars. Only the last star has to be tried again, because an earlier one can match less. */
function matchesPart(
	glob: string,
	startInGlob: number,
	endInGlob: number,
	path: string,
	startInPath: number,
	endInPath: number,
): boolean {
	let inGlob = startInGlob;
	let inPath = startInPath;
	let behindStar = -1;
	let tried = 0;
	while (inPath < endInPath) {
		if (inGlob < endInGlob && glob[inGlob] === "*") {
			behindStar = ++inGlob;
			tried = inPath;
		} else if (inGlob < endInGlob && glob[inGlob] === path[inPath]) {
			inGlob++;
			inPath++;
		} else if (behindStar !== -1) {
			inGlob = behindStar;
			inPath = ++tried;
		} else {
			return false;
		}
	}
	while (inGlob < endInGlob && glob[inGlob] === "*") inGlob++;
	return inGlob === endInGlob;
}
