/** Says in words what a cell of the treemap is. */

import { STATES } from "./data.js";
import { type FileModel, pathOfFile } from "./file-model.js";
import { count, shortened, sizeText } from "./text.js";
import type { Cell } from "./treemap.js";

/** The usual width of a character in pixels. */
const CHARACTER_WIDTH = 6.4;
const BOLD_WIDTH = 7.2;
/** A name that is shortened to fewer characters than this says nothing. */
const LEAST_CHARACTERS = 9;

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
export function labelOf(model: FileModel, cell: Cell): string | undefined {
	const { kind, width, height } = cell;
	if (width < 44 || height < 17) return undefined;
	const name = nameOf(model, cell);
	const room = Math.floor((width - 10) / (kind === "frame" ? BOLD_WIDTH : CHARACTER_WIDTH));
	return name.length <= room || room >= LEAST_CHARACTERS ? shortened(name, room) : undefined;
}

/** The name of a directory has those above it that the treemap skips. */
function nameOf({ data, directories }: FileModel, { kind, row, around, fileCount }: Cell): string {
	if (kind === "file") return data.names[row];
	if (kind === "rest") return `${fileCount} more`;
	const outer = directories[around].path;
	return `${directories[row].path.slice(outer === "" ? 0 : outer.length + 1)}/`;
}
