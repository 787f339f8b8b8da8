/** Decides which rows of a file tree are shown: those of open directories, or those that a filter lets through. */

import { FIRST_SOUND_RANK, STATES } from "./data.js";
import { type FileModel, pathOfFile } from "./file-model.js";

/** A row of the tree: a directory, or a file. */
export interface TreeRow {
	readonly kind: "directory" | "file";
	readonly row: number;
	readonly depth: number;
}

export interface TreeFilter {
	/** The text that paths have to contain, in small letters. */
	readonly query: string;
	/** The states to show. All are if the set is empty. */
	readonly states: ReadonlySet<string>;
	/** The directory to show, as its row. */
	readonly root: number;
}

export interface TreeRows {
	readonly rows: readonly TreeRow[];
	readonly fileCount: number;
}

/** The number of rows up to which directories with findings are open at first. */
const MOST_OPEN = 2000;

export class Tree {
	readonly model: FileModel;
	readonly #open = new Set<number>();
	readonly #closed = new Set<number>();
	/** The paths in small letters. They are made when they are first searched. */
	#paths: string[] | undefined;

	constructor(model: FileModel) {
		this.model = model;
		let rows = 0;
		for (const [row, { problemCount, directories, files }] of model.directories.entries()) {
			if (row > 0 && (problemCount === 0 || rows > MOST_OPEN)) continue;
			rows += directories.length + files.length;
			this.#open.add(row);
		}
		// A tree without findings shows at least what is directly in it, and follows directories that have no sibling.
		for (let row = 0; model.directories[row].directories.length === 1 && model.directories[row].files.length === 0; ) {
			row = model.directories[row].directories[0];
			this.#open.add(row);
		}
	}

	isOpen(directory: number, filter: TreeFilter): boolean {
		return isFiltering(filter) ? !this.#closed.has(directory) : this.#open.has(directory);
	}

	toggle(directory: number, filter: TreeFilter): void {
		const set = isFiltering(filter) ? this.#closed : this.#open;
		if (!set.delete(directory)) set.add(directory);
	}

	rows(filter: TreeFilter): TreeRows {
		const { directories, fileCount } = this.model;
		const isMatch = this.#matcher(filter);
		const matches = isMatch === undefined ? undefined : this.#matching(isMatch);
		const rows: TreeRow[] = [];
		const rootDepth = directories[filter.root].depth;
		const work: TreeRow[] = [];
		const push = (directory: number) => {
			const { directories: below, files, depth } = directories[directory];
			const level = depth - rootDepth;
			for (let at = files.length - 1; at >= 0; at--) {
				if (isMatch === undefined || isMatch(files[at])) work.push({ kind: "file", row: files[at], depth: level });
			}
			for (let at = below.length - 1; at >= 0; at--) {
				if (matches?.has(below[at]) !== false) work.push({ kind: "directory", row: below[at], depth: level });
			}
		};
		push(filter.root);
		for (let next = work.pop(); next !== undefined; next = work.pop()) {
			rows.push(next);
			if (next.kind === "directory" && this.isOpen(next.row, filter)) push(next.row);
		}
		const shownCount = matches?.fileCount(filter.root) ?? directories[filter.root].fileCount;
		return { rows, fileCount: Math.min(shownCount, fileCount) };
	}

	#matcher({ query, states }: TreeFilter): ((file: number) => boolean) | undefined {
		if (query === "" && states.size === 0) return undefined;
		const { ranks } = this.model;
		const wanted = STATES.map(({ id }) => states.size === 0 || states.has(id));
		if (query === "") return (file) => wanted[ranks[file]];
		const paths = this.prepare();
		return (file) => wanted[ranks[file]] && paths[file].includes(query);
	}

	/** Makes what a search needs, so that the first one does not wait for it. */
	prepare(): readonly string[] {
		this.#paths ??= Array.from(this.model.ranks, (_, file) => pathOfFile(this.model, file).toLowerCase());
		return this.#paths;
	}

	/** Counts the files that match, below each directory. */
	#matching(isMatch: (file: number) => boolean): { has(row: number): boolean; fileCount(row: number): number } {
		const { directories, data, fileCount } = this.model;
		const counts = new Uint32Array(directories.length);
		for (let file = 0; file < fileCount; file++) if (isMatch(file)) counts[data.parents[file]]++;
		for (let row = directories.length - 1; row > 0; row--) counts[directories[row].parent] += counts[row];
		return { has: (row) => counts[row] > 0, fileCount: (row) => counts[row] };
	}
}

function isFiltering({ query, states }: TreeFilter): boolean {
	return query !== "" || states.size > 0;
}

export function isProblem(rank: number): boolean {
	return rank < FIRST_SOUND_RANK;
}
