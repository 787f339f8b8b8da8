/** Shows the files of a catalog as a tree that can be searched, with the treemap above it. */

import { controls } from "./controls.js";
import { type FilesData, STATES } from "./data.js";
import { detailsPanel } from "./details-panel.js";
import { element } from "./dom.js";
import { fileModel, pathOfFile } from "./file-model.js";
import { count, sizeText, thousands } from "./text.js";
import { Tree, type TreeFilter, type TreeRow } from "./tree-rows.js";
import { treemapView } from "./treemap-view.js";
import { virtualRows } from "./virtual-rows.js";

/** The page has been drawn by then. */
const PREPARE_AFTER_MS = 150;

export function filesView(host: HTMLElement, data: FilesData): void {
	const id = host.dataset.files ?? "";
	const model = fileModel(data);
	const tree = new Tree(model);
	const kinds = STATES.flatMap(({ id, label }, rank) => {
		return model.counts[rank] === 0 ? [] : [{ id, label, count: thousands(model.counts[rank]) }];
	});
	const top = controls("Search files", kinds, refresh);
	const panel = detailsPanel("About the file");
	const way = element("nav", { class: "way", attributes: { "aria-label": "Directory" } });
	const map = document.getElementById(`${id}-map`);
	let root = 0;
	let rows: readonly TreeRow[] = [];
	const list = virtualRows({
		role: "treegrid",
		label: host.dataset.label ?? "Files",
		headings: ["Name", "State", "Size"],
		fill,
		act,
		onKey,
	});
	const picture = map === null ? undefined : treemapView(map, model, { enter, choose });
	host.append(top.root, way, list.root, panel.root);
	refresh();
	setTimeout(() => tree.prepare(), PREPARE_AFTER_MS);

	function filter(): TreeFilter {
		return { query: top.query(), states: top.chosen(), root };
	}

	function refresh(active = 0): void {
		const found = tree.rows(filter());
		rows = found.rows;
		list.show(rows.length, active);
		const { fileCount } = model.directories[root];
		top.say(
			found.fileCount === fileCount
				? count(fileCount, "file")
				: `${thousands(found.fileCount)} of ${count(fileCount, "file")}`,
		);
	}

	/** Shows one directory, in the tree and in the treemap. */
	function enter(directory: number): void {
		root = directory;
		const chain: number[] = [];
		for (let row = directory; row >= 0; row = model.directories[row].parent) chain.unshift(row);
		way.replaceChildren(...(directory === 0 ? [] : chain.map(step)));
		picture?.draw(directory);
		refresh();
	}

	function step(directory: number): HTMLElement {
		const text = directory === 0 ? "All files" : `${model.directories[directory].name}/`;
		const button = element("button", { text, attributes: { type: "button" } });
		if (directory === root) button.setAttribute("aria-current", "location");
		button.addEventListener("click", () => enter(directory));
		return button;
	}

	function fill(row: HTMLElement, index: number): void {
		const { kind, row: item, depth } = rows[index];
		row.setAttribute("aria-level", String(depth + 1));
		const isDirectory = kind === "directory";
		const rank = isDirectory ? model.directories[item].worst : model.ranks[item];
		const { id, label } = STATES[rank];
		const name = isDirectory ? `${model.directories[item].name}/` : model.data.names[item];
		const children: Node[] = [];
		if (isDirectory) {
			const isOpen = tree.isOpen(item, filter());
			row.setAttribute("aria-expanded", String(isOpen));
			children.push(element("span", { class: `arrow${isOpen ? " open" : ""}`, attributes: { "aria-hidden": "true" } }));
		}
		children.push(element("bdi", { text: name }));
		const cell = element("span", {
			class: `cell-name${isDirectory ? " is-directory" : ""}`,
			attributes: { role: "gridcell" },
			children,
		});
		cell.style.paddingInlineStart = `${12 + Math.min(depth, 24) * 18 + (isDirectory ? 0 : 18)}px`;
		const { problemCount = 0, fileCount = 0, sizeBytes = 0 } = isDirectory ? model.directories[item] : {};
		const words = isDirectory ? (problemCount === 0 ? label : count(problemCount, "finding")) : label;
		const badge = element("span", { class: `badge st-${id}`, text: words });
		const size = isDirectory
			? model.hasSizes
				? `${sizeText(sizeBytes)}, ${thousands(fileCount)}`
				: thousands(fileCount)
			: sizeText(model.data.sizes[item]);
		row.append(
			cell,
			element("span", { attributes: { role: "gridcell" }, children: [badge] }),
			element("span", { class: "number", text: size, attributes: { role: "gridcell" } }),
		);
	}

	function act(index: number): void {
		const { kind, row } = rows[index];
		if (kind === "file") {
			choose(row, () => list.focus(index));
			return;
		}
		tree.toggle(row, filter());
		const top = list.root.scrollTop;
		refresh(index);
		list.root.scrollTop = top;
		list.focus(index);
	}

	function onKey(key: string, index: number): boolean {
		const { kind, row, depth } = rows[index];
		const isOpen = kind === "directory" && tree.isOpen(row, filter());
		if (key === "ArrowRight" && kind === "directory") {
			if (isOpen) list.focus(index + 1);
			else act(index);
			return true;
		}
		if (key !== "ArrowLeft") return false;
		if (isOpen) act(index);
		else if (depth > 0) list.focus(rows.findLastIndex((each, at) => at < index && each.depth < depth));
		return true;
	}

	function choose(file: number, onClose: () => void): void {
		const { label } = STATES[model.ranks[file]];
		const { sizes, digests, findings } = model.data;
		const facts: [string, string][] = [["State", label]];
		for (const { message, code, expected, actual } of findings[file] ?? []) {
			facts.push(["Finding", `${message} [${code}]`]);
			if (expected !== undefined) facts.push(["Signed", expected === "" ? "an empty file" : expected]);
			if (actual !== undefined) facts.push(["Found", actual === "" ? "an empty file" : actual]);
		}
		if (sizes[file] >= 0) facts.push(["Size", `${thousands(sizes[file])} bytes`]);
		if (digests[file] !== "") facts.push(["Signed digest", hexOf(digests[file])]);
		panel.show(pathOfFile(model, file), facts, onClose);
	}
}

function hexOf(base64: string): string {
	return Array.from(atob(base64), (character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}
