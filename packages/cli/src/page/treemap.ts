/**
 * Lays a tree out as rectangles whose areas are the sizes of the files. Each row is filled so that its rectangles are
 * as square as possible (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000).
 */

import { FIRST_SOUND_RANK } from "./data.js";
import type { FileModel } from "./file-model.js";

export interface Cell {
	readonly x: number;
	readonly y: number;
	readonly width: number;
	readonly height: number;
	/** A directory that is drawn with what is in it, one that is too small for that, a file, or several small entries. */
	readonly kind: "frame" | "directory" | "file" | "rest";
	/** The row of the file, or of the directory. For `rest`, the row of the directory around it. */
	readonly row: number;
	/** The row of the directory around the cell. */
	readonly around: number;
	/** The worst state in the cell. */
	readonly rank: number;
	/** The number of files in the cell. */
	readonly fileCount: number;
	readonly sizeBytes: number;
}

interface Box {
	readonly x: number;
	readonly y: number;
	readonly width: number;
	readonly height: number;
}

interface Item extends Pick<Cell, "kind" | "row" | "rank" | "fileCount" | "sizeBytes"> {
	readonly weight: number;
}

/** The height of the strip with the name of a directory. */
export const STRIP = 18;
const PADDING = 2;
/** A cell with a smaller area than this is drawn together with its neighbours. */
const LEAST_AREA = 60;
/** Each file with a finding gets at least this part of the area, so that it is seen, unless there are many of them. */
const LEAST_SHARE = 0.0012;
const MOST_FOR_FINDINGS = 0.25;

export function layOut(model: FileModel, root: number, width: number, height: number): Cell[] {
	const cells: Cell[] = [];
	const weigh = weightOf(model, root);
	const weights = directoryWeights(model, weigh);
	const work: { readonly row: number; readonly box: Box }[] = [{ row: root, box: { x: 0, y: 0, width, height } }];
	for (let next = work.pop(); next !== undefined; next = work.pop()) {
		const items = itemsOf(model, next.row, weigh, weights);
		for (const { item, box } of squarified(withRest(items, next.row, areaOf(next.box)), next.box)) {
			const inner = item.kind === "directory" ? innerBox(box) : undefined;
			const { kind, row, rank, fileCount, sizeBytes } = item;
			cells.push({
				...box,
				row,
				around: next.row,
				rank,
				fileCount,
				sizeBytes,
				kind: inner === undefined ? kind : "frame",
			});
			if (inner !== undefined) work.push({ row, box: inner });
		}
	}
	return cells;
}

function weightOf({ data, ranks, hasSizes, directories }: FileModel, root: number): (file: number) => number {
	const { sizeBytes, fileCount, problemCount } = directories[root];
	const total = hasSizes ? Math.max(1, sizeBytes) : fileCount;
	const least = total * Math.min(LEAST_SHARE, MOST_FOR_FINDINGS / Math.max(1, problemCount));
	return (file) => {
		const weight = hasSizes ? Math.max(1, data.sizes[file]) : 1;
		return ranks[file] < FIRST_SOUND_RANK ? Math.max(weight, least) : weight;
	};
}

function directoryWeights({ directories, data }: FileModel, weigh: (file: number) => number): Float64Array {
	const weights = new Float64Array(directories.length);
	for (let file = 0; file < data.parents.length; file++) weights[data.parents[file]] += weigh(file);
	for (let row = directories.length - 1; row > 0; row--) weights[directories[row].parent] += weights[row];
	return weights;
}

function itemsOf(
	{ data, ranks, directories }: FileModel,
	row: number,
	weigh: (file: number) => number,
	weights: Float64Array,
): Item[] {
	const items = directories[row].directories.map((below): Item => {
		const child = pastOnlyChildren(directories, below);
		const { worst, fileCount, sizeBytes } = directories[child];
		return { kind: "directory", row: child, rank: worst, fileCount, sizeBytes, weight: weights[child] };
	});
	for (const file of directories[row].files) {
		const sizeBytes = Math.max(0, data.sizes[file]);
		items.push({ kind: "file", row: file, rank: ranks[file], fileCount: 1, sizeBytes, weight: weigh(file) });
	}
	return items.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
}

/** Skips directories that have nothing but one directory in them, because each would take room for its name. */
function pastOnlyChildren(directories: FileModel["directories"], start: number): number {
	let row = start;
	while (directories[row].files.length === 0 && directories[row].directories.length === 1) {
		row = directories[row].directories[0];
	}
	return row;
}

/** Puts the smallest items together, until each of the others is large enough to be seen. */
function withRest(items: readonly Item[], row: number, area: number): Item[] {
	const total = items.reduce((sum, { weight }) => sum + weight, 0);
	const least = (total * LEAST_AREA) / area;
	const shown = items.filter(({ weight }) => weight >= least);
	const small = items.slice(shown.length);
	if (small.length < 2) return [...items];
	const sum = (of: (item: Item) => number) => small.reduce((before, item) => before + of(item), 0);
	const rest: Item = {
		kind: "rest",
		row,
		rank: small.reduce((worst, { rank }) => Math.min(worst, rank), small[0].rank),
		fileCount: sum(({ fileCount }) => fileCount),
		sizeBytes: sum(({ sizeBytes }) => sizeBytes),
		weight: sum(({ weight }) => weight),
	};
	return [...shown, rest].sort((a, b) => b.weight - a.weight);
}

function squarified(items: readonly Item[], whole: Box): { readonly item: Item; readonly box: Box }[] {
	const total = items.reduce((sum, { weight }) => sum + weight, 0);
	const scale = areaOf(whole) / total;
	const placed: { item: Item; box: Box }[] = [];
	let box = whole;
	for (let first = 0; first < items.length; ) {
		const side = Math.min(box.width, box.height);
		let end = first + 1;
		let area = items[first].weight * scale;
		while (end < items.length) {
			const grown = area + items[end].weight * scale;
			const [largest, before, after] = [items[first], items[end - 1], items[end]].map(({ weight }) => weight * scale);
			if (worstRatio(largest, after, grown, side) > worstRatio(largest, before, area, side)) break;
			area = grown;
			end++;
		}
		const isLast = end === items.length;
		const thickness = isLast ? Math.max(box.width, box.height) : area / side;
		let offset = 0;
		for (const item of items.slice(first, end)) {
			const length = (item.weight * scale * side) / area;
			const isRow = box.width < box.height;
			placed.push({
				item,
				box: isRow
					? { x: box.x + offset, y: box.y, width: length, height: thickness }
					: { x: box.x, y: box.y + offset, width: thickness, height: length },
			});
			offset += length;
		}
		box =
			box.width < box.height
				? { ...box, y: box.y + thickness, height: box.height - thickness }
				: { ...box, x: box.x + thickness, width: box.width - thickness };
		first = end;
	}
	return placed;
}

/** Returns the worse of two ratios of sides: that of the largest rectangle of a row, and that of the smallest. */
function worstRatio(largest: number, smallest: number, area: number, side: number): number {
	const square = side * side;
	return Math.max((square * largest) / (area * area), (area * area) / (square * smallest));
}

function innerBox({ x, y, width, height }: Box): Box | undefined {
	if (width < 48 || height < STRIP + 24) return undefined;
	return { x: x + PADDING, y: y + STRIP, width: width - 2 * PADDING, height: height - STRIP - PADDING };
}

function areaOf({ width, height }: Box): number {
	return width * height;
}
