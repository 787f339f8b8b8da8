/** Says in words what a cell of the treemap is. */

import { STATES } from "./data.js";
import { type FileModel, pathOfFile } from "./file-model.js";
import { count, shortened, sizeText } from "./text.js";
import type { Cell } from "./treemap.js";

const CHARACTER_WIDTH = 6.4;

export function cellText(model: FileModel, { kind, row, rank, fileCount, sizeBytes }: Cell): string {
	const size = model.hasSizes ? `, ${sizeText(sizeBytes)}` : "";
	const state = STATES[rank].label.toLowerCase();
	if (kind === "file") return `${pathOfFile(model, row)}: ${state}${size}`;
	const { path, problemCount } = model.directories[row];
	const where = path === "" ? "the root" : `${path}/`;
	if (kind === "rest") return `${count(fileCount, "small file")} in ${where}, the worst ${state}${size}`;
	const problems = problemCount === 0 ? state : count(problemCount, "finding");
	return `${where}: ${count(fileCount, "file")}, ${problems}${size}`;
}

/** Returns the name to write into a cell, shortened to its width, or undefined if there is no room. */
export function labelOf(model: FileModel, { kind, row, width, height, fileCount }: Cell): string | undefined {
	if (width < 44 || height < 17) return undefined;
	const name =
		kind === "file" ? model.data.names[row] : kind === "rest" ? `${fileCount} more` : `${model.directories[row].name}/`;
	return shortened(name, Math.floor((width - 10) / CHARACTER_WIDTH));
}
