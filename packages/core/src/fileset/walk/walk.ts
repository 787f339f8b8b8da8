/**
 * Yields the entries of a tree in byte order of their full paths, and reads one directory after the other
 * synchronously.
 *
 * A directory is sorted as `name/`, so the depth-first order is the order of the paths, and each listing is sorted only
 * once. Only the listings of the current directory and of those above it are in memory.
 */

import { linkCycle, linkLimits } from "./links.js";
import { type Listing, type ListOptions, listDirectory, type SpecialEntry } from "./list-directory.js";

export interface WalkOptions extends ListOptions {
	/** The entry paths of files and links that are left out without being counted. */
	readonly skip: ReadonlySet<string>;
}

export type WalkStep =
	/** Regular files of one directory, in order. The path of each is `prefix + name`. */
	| { readonly kind: "files"; readonly prefix: string; readonly names: readonly string[] }
	| Exclude<SpecialEntry, { kind: "linked-directory" }>;

/** The largest number of names in one step. It bounds the memory that a step needs for a large directory. */
const MAX_NAMES = 1024;

/**
 * Walks the tree at the real path `base`, which ends in "/". Throws only what `exclude` throws: the errors of
 * `listDirectory`, ERR_LINK_CYCLE and the ERR_LIMIT of `linkLimits` become problems.
 */
export function* walkTree(base: string, options: WalkOptions): Generator<WalkStep, void, undefined> {
	const skipped = namesByDirectory(options.skip);
	const open = (prefix: string, realPath: string): OpenDirectory => {
		const place = { prefix, realPath };
		return { ...place, ...listDirectory(base, place, skipped.get(prefix), options), next: 0 };
	};
	const limits = linkLimits();
	const stack = [open("", base)];
	for (let directory = stack.at(-1); directory !== undefined; directory = stack.at(-1)) {
		const { prefix, realPath, keys, special, collisions, next } = directory;
		if (next === 0) for (const error of collisions) yield { kind: "problem", error };
		if (next === keys.length) {
			stack.pop();
			continue;
		}
		let end = next;
		while (end < keys.length && end - next < MAX_NAMES && isFile(keys[end], special)) end++;
		if (end > next) {
			directory.next = end;
			yield { kind: "files", prefix, names: keys.slice(next, end) };
			continue;
		}
		directory.next++;
		const key = keys[next];
		const path = prefix + key;
		const found = special.get(key);
		if (found !== undefined && found.kind !== "linked-directory") {
			yield found;
			continue;
		}
		const inner = found?.realPath ?? realPath + key;
		const isCycle = found !== undefined && stack.some((above) => above.realPath === inner);
		// Only followed links lead to a directory whose real path differs from its entry path.
		const isLinked = inner !== base + path;
		const name = path.slice(0, -1);
		const error = isCycle ? linkCycle(name, inner) : isLinked ? limits.enter(name, inner) : undefined;
		if (error === undefined) stack.push(open(path, inner));
		else yield { kind: "problem", error };
	}
}

/** Returns a real path in the form that a walk needs: "/"-separated, and with "/" at its end. */
export function asBase(realPath: string): string {
	const path = process.platform === "win32" ? realPath.replaceAll("\\", "/") : realPath;
	return path.endsWith("/") ? path : `${path}/`;
}

interface OpenDirectory extends Listing {
	/** The directory's entry path with "/" at its end. It is "" for the root. */
	readonly prefix: string;
	/** The real path, ending in "/". The real path differs from base + prefix below a followed link. */
	readonly realPath: string;
	/** The index of the next key to visit. */
	next: number;
}

function isFile(key: string, special: Listing["special"]): boolean {
	return key.charCodeAt(key.length - 1) !== SLASH && (special.size === 0 || !special.has(key));
}

const SLASH = 0x2f;

function namesByDirectory(paths: ReadonlySet<string>): ReadonlyMap<string, ReadonlySet<string>> {
	const names = new Map<string, Set<string>>();
	for (const path of paths) {
		const nameAt = path.lastIndexOf("/") + 1;
		const prefix = path.slice(0, nameAt);
		const siblings = names.get(prefix) ?? new Set();
		names.set(prefix, siblings.add(path.slice(nameAt)));
	}
	return names;
}
