/**
 * Keeps paths as a tree of names. A question about all directories above a path then takes time proportional to the
 * length of the path. With a set of the paths of directories, the time would be proportional to the square of this
 * length.
 */

export interface PathTree {
	/** Returns true for a path of the tree, and for a directory above one. */
	leadsTo(path: string): boolean;
	/** Returns true for a path of the tree, and for everything below one. */
	covers(path: string): boolean;
	/** Returns the topmost directory above `path` that does not lead to a path of the tree, or undefined. */
	topmostOutside(path: string): string | undefined;
}

export function createPathTree(paths: Iterable<string>): PathTree {
	// The key is the number of the parent and the name, so that no prefix is compared twice. The root has number 0.
	const numbers = new Map<string, number>();
	const ends = new Set<number>();
	for (const path of paths) {
		let parent = 0;
		for (const name of path.split("/")) {
			const key = `${parent}/${name}`;
			parent = numbers.get(key) ?? numbers.size + 1;
			numbers.set(key, parent);
		}
		ends.add(parent);
	}

	/**
	 * Yields the end of each prefix of `path`, with the number of the prefix. The number is undefined if the prefix
	 * leads to no path of the tree.
	 */
	function* prefixesOf(path: string): Generator<readonly [end: number, number: number | undefined]> {
		let parent: number | undefined = 0;
		for (let start = 0; start <= path.length; ) {
			const slash = path.indexOf("/", start);
			const end = slash === -1 ? path.length : slash;
			parent = numbers.get(`${parent}/${path.slice(start, end)}`);
			yield [end, parent];
			if (parent === undefined) return;
			start = end + 1;
		}
	}

	return {
		leadsTo(path) {
			for (const [, number] of prefixesOf(path)) if (number === undefined) return false;
			return true;
		},
		covers(path) {
			for (const [, number] of prefixesOf(path)) if (number !== undefined && ends.has(number)) return true;
			return false;
		},
		topmostOutside(path) {
			for (const [end, number] of prefixesOf(path)) {
				if (number === undefined && end < path.length) return path.slice(0, end);
			}
			return undefined;
		},
	};
}

/** Returns a tree of the directories that contain one of the paths. */
export function directoriesAbove(paths: Iterable<string>): PathTree {
	return createPathTree(parentsOf(paths));
}

/** Yields the parent of each path that is not at the root. Equal parents of neighbours are yielded once. */
function* parentsOf(paths: Iterable<string>): Generator<string> {
	let last = "";
	for (const path of paths) {
		const slash = path.lastIndexOf("/");
		if (slash <= 0) continue;
		if (slash === last.length && path.startsWith(last)) continue;
		last = path.slice(0, slash);
		yield last;
	}
}
