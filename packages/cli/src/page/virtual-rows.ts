/**
 * Shows the part of a long list that is in sight. One row has the focus of the keyboard (a roving tabindex), and it stays
 * in the document when the reader scrolls away from it.
 */

import { element } from "./dom.js";

export interface RowsOptions {
	readonly role: "treegrid" | "grid";
	readonly label: string;
	readonly headings: readonly string[];
	/** Fills an empty row. */
	readonly fill: (row: HTMLElement, index: number) => void;
	/** Acts on a row: the reader clicked it, or pressed Enter or the space bar. */
	readonly act: (index: number) => void;
	/** Handles a key that this list does not handle. Returns true if the key did something. */
	readonly onKey?: (key: string, index: number) => boolean;
}

export interface VirtualRows {
	readonly root: HTMLElement;
	/** Shows a list of another length, with the row `active` in focus when the list gets the focus. */
	show(count: number, active?: number): void;
	focus(index: number): void;
}

const ROW_HEIGHT = 32;
const BESIDE = 8;

export function virtualRows({ role, label, headings, fill, act, onKey }: RowsOptions): VirtualRows {
	const cells = headings.map((text) => element("span", { text, attributes: { role: "columnheader" } }));
	const head = element("div", { class: "row head", attributes: { role: "row", "aria-rowindex": 1 }, children: cells });
	const body = element("div", { class: "rows", attributes: { role: "rowgroup" } });
	const header = element("div", { attributes: { role: "rowgroup" }, children: [head] });
	const root = element("div", {
		class: "virtual",
		attributes: { role, "aria-label": label },
		children: [header, body],
	});
	const shown = new Map<number, HTMLElement>();
	let count = 0;
	let active = 0;

	function draw(): void {
		const first = Math.max(0, Math.floor((root.scrollTop - ROW_HEIGHT) / ROW_HEIGHT) - BESIDE);
		const last = Math.min(count - 1, first + Math.ceil(root.clientHeight / ROW_HEIGHT) + 2 * BESIDE);
		for (const [index, row] of shown) {
			if ((index >= first && index <= last) || index === active) continue;
			row.remove();
			shown.delete(index);
		}
		for (let index = first; index <= last; index++) place(index);
		if (count > 0) place(active);
	}

	function place(index: number): void {
		if (shown.has(index)) return;
		const row = element("div", { class: "row", attributes: { role: "row", "aria-rowindex": index + 2 } });
		row.style.transform = `translateY(${index * ROW_HEIGHT}px)`;
		row.tabIndex = index === active ? 0 : -1;
		row.dataset.index = String(index);
		fill(row, index);
		shown.set(index, row);
		// The order in the document is the order that a screen reader reads.
		const next = [...shown.keys()].filter((other) => other > index);
		body.insertBefore(row, next.length === 0 ? null : (shown.get(Math.min(...next)) ?? null));
	}

	function activate(index: number): void {
		const former = shown.get(active);
		if (former !== undefined) former.tabIndex = -1;
		active = index;
		place(index);
		const row = shown.get(index);
		if (row !== undefined) row.tabIndex = 0;
	}

	function focus(index: number): void {
		if (count === 0) return;
		activate(Math.max(0, Math.min(count - 1, index)));
		const top = active * ROW_HEIGHT;
		const room = root.clientHeight - 2 * ROW_HEIGHT;
		if (top < root.scrollTop) root.scrollTop = top;
		else if (top > root.scrollTop + room) root.scrollTop = top - room;
		draw();
		shown.get(active)?.focus({ preventScroll: true });
	}

	root.addEventListener("scroll", draw, { passive: true });
	new ResizeObserver(draw).observe(root);
	body.addEventListener("click", (event) => {
		const row = event.target instanceof Element ? event.target.closest<HTMLElement>(".row") : null;
		if (row === null) return;
		focus(Number(row.dataset.index));
		act(active);
	});
	body.addEventListener("keydown", (event) => {
		if (event.ctrlKey || event.altKey || event.metaKey) return;
		const page = Math.max(1, Math.floor(root.clientHeight / ROW_HEIGHT) - 2);
		const steps: Readonly<Record<string, number>> = {
			...{ ArrowUp: active - 1, ArrowDown: active + 1, PageUp: active - page, PageDown: active + page },
			...{ Home: 0, End: count - 1 },
		};
		if (event.key in steps) focus(steps[event.key]);
		else if (event.key === "Enter" || event.key === " ") act(active);
		else if (onKey?.(event.key, active) !== true) return;
		event.preventDefault();
	});

	return {
		root,
		show(length, index = 0) {
			const hadFocus = body.contains(document.activeElement);
			for (const row of shown.values()) row.remove();
			shown.clear();
			count = length;
			active = Math.max(0, Math.min(length - 1, index));
			body.style.height = `${length * ROW_HEIGHT}px`;
			root.setAttribute("aria-rowcount", String(length + 1));
			if (index === 0) root.scrollTop = 0;
			draw();
			if (hadFocus) focus(active);
		},
		focus,
	};
}
