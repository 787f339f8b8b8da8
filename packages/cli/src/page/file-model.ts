/** Adds to the files of a page what the tree, the treemap and the search need: paths, children and sums. */

import { FIRST_SOUND_RANK, type FilesData, RANKS, STATES } from "./data.js";

export interface FileModel {
	readonly data: FilesData;
	readonly fileCount: number;
	/** The rank of each file's state. */
	readonly ranks: Uint8Array;
	/** The number of files of each rank. */
	readonly counts: readonly number[];
	readonly directories: readonly Directory[];
	/** False if no size is known. Then every file counts the same. */
	readonly hasSizes: boolean;
}

export interface Directory {
	readonly parent: number;
	readonly name: string;
	/** The path from the root, which is empty for the root itself. */
	readonly path: string;
	readonly depth: number;
	/** The rows of the directories and files directly in it. */
	readonly directories: number[];
	readonly files: number[];
	/** Sums over everything below it. */
	fileCount: number;
	problemCount: number;
	worst: number;
	sizeBytes: number;
}

export function fileModel(data: FilesData): FileModel {
	const directories = data.directories.map(([parent, name]): Directory => {
		return {
			...{ parent, name, path: "", depth: 0, directories: [], files: [] },
			...{ fileCount: 0, problemCount: 0, worst: STATES.length - 1, sizeBytes: 0 },
		};
	});
	for (const [row, directory] of directories.entries()) {
		if (row === 0) continue;
		const parent = directories[directory.parent];
		parent.directories.push(row);
		Object.assign(directory, { path: joined(parent.path, directory.name), depth: parent.depth + 1 });
	}
	const fileCount = data.names.length;
	const ranks = new Uint8Array(fileCount);
	const counts = STATES.map(() => 0);
	for (let file = 0; file < fileCount; file++) {
		const rank = RANKS.get(data.states[file]) ?? FIRST_SOUND_RANK;
		const directory = directories[data.parents[file]];
		ranks[file] = rank;
		counts[rank]++;
		directory.files.push(file);
		directory.fileCount++;
		directory.sizeBytes += Math.max(0, data.sizes[file]);
		if (rank < FIRST_SOUND_RANK) directory.problemCount++;
		if (rank < directory.worst) directory.worst = rank;
	}
	for (let row = directories.length - 1; row > 0; row--) addTo(directories[directories[row].parent], directories[row]);
	return { data, fileCount, ranks, counts, directories, hasSizes: directories[0].sizeBytes > 0 };
}

function addTo(parent: Directory, child: Directory): void {
	parent.fileCount += child.fileCount;
	parent.problemCount += child.problemCount;
	parent.sizeBytes += child.sizeBytes;
	parent.worst = Math.min(parent.worst, child.worst);
}

export function pathOfFile({ data, directories }: FileModel, file: number): string {
	return joined(directories[data.parents[file]].path, data.names[file]);
}

function joined(directory: string, name: string): string {
	return directory === "" ? name : `${directory}/${name}`;
}
