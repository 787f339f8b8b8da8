/** Draws the treemap for the width that it has, and lets the reader enter directories with the mouse or the keyboard. */

import { STATES } from "./data.js";
import { svgElement } from "./dom.js";
import type { FileModel } from "./file-model.js";
import { isProblem } from "./tree-rows.js";
import { type Cell, layOut } from "./treemap.js";
import { cellText, labelOf } from "./treemap-text.js";

export interface TreemapActions {
	readonly enter: (directory: number) => void;
	readonly choose: (file: number, onClose: () => void) => void;
}

export interface TreemapView {
	draw(directory: number): void;
}

export function treemapView(host: HTMLElement, model: FileModel, { enter, choose }: TreemapActions): TreemapView {
	const hatch = `${host.id.replace(/-map$/, "")}-hatch`;
	const pattern = host.querySelector("defs");
	let root = 0;
	let width = 0;
	let cells: readonly Cell[] = [];
	let shapes: readonly SVGGElement[] = [];
	let active = 0;

	function draw(directory: number): void {
		root = directory;
		width = Math.floor(host.clientWidth);
		if (width < 40) return;
		const height = width < 600 ? 320 : 420;
		cells = layOut(model, root, width, height);
		active = 0;
		shapes = cells.map(shape);
		const label = "Treemap of the files. Arrow keys move, Enter opens.";
		const attributes = { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": label };
		const svg = svgElement("svg", { attributes, children: [...(pattern === null ? [] : [pattern]), ...shapes] });
		svg.addEventListener("click", (event) => act(indexOf(event)));
		svg.addEventListener("keydown", onKey);
		host.replaceChildren(svg);
	}

	function shape(cell: Cell, index: number): SVGGElement {
		const { x, y, kind, rank } = cell;
		const words = cellText(model, cell);
		const box = { x, y, width: cell.width, height: cell.height };
		const children: SVGElement[] = [svgElement("title", { text: words }), svgElement("rect", { attributes: box })];
		if (isProblem(rank) && kind !== "frame") {
			children.push(svgElement("rect", { class: "hatched", attributes: { ...box, fill: `url(#${hatch})` } }));
		}
		const label = labelOf(model, cell);
		if (label !== undefined) {
			children.push(svgElement("text", { text: label, attributes: { x: x + 5, y: y + 13, "aria-hidden": "true" } }));
		}
		// The title names the button. A label would have to repeat the shortened text in the cell.
		const attributes = { role: "button", tabindex: index === 0 ? 0 : -1, "data-index": index };
		return svgElement("g", { class: `cell ${kind} st-${STATES[rank].id}`, attributes, children });
	}

	function act(index: number): void {
		const cell = cells[index];
		if (cell === undefined) return;
		if (cell.kind === "file") choose(cell.row, () => focus(index));
		else if (cell.row !== root) {
			enter(cell.row);
			if (cells.length > 0) focus(0);
		}
	}

	function focus(index: number): void {
		shapes[active]?.setAttribute("tabindex", "-1");
		active = Math.max(0, Math.min(cells.length - 1, index));
		shapes[active]?.setAttribute("tabindex", "0");
		shapes[active]?.focus({ preventScroll: true });
	}

	function onKey(event: KeyboardEvent): void {
		const steps: Readonly<Record<string, number>> = {
			...{ ArrowLeft: active - 1, ArrowUp: active - 1, ArrowRight: active + 1, ArrowDown: active + 1 },
			...{ Home: 0, End: cells.length - 1 },
		};
		if (event.ctrlKey || event.altKey || event.metaKey) return;
		if (event.key in steps) focus(steps[event.key]);
		else if (event.key === "Enter" || event.key === " ") act(active);
		else if (event.key === "Escape" || event.key === "Backspace") enter(Math.max(0, model.directories[root].parent));
		else return;
		event.preventDefault();
	}

	new ResizeObserver(() => {
		if (Math.floor(host.clientWidth) !== width) draw(root);
	}).observe(host);
	draw(root);
	return { draw };
}

function indexOf({ target }: Event): number {
	const shape = target instanceof Element ? target.closest<SVGGElement>("g.cell") : null;
	return shape === null ? -1 : Number(shape.dataset.index);
}
