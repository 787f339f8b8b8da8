/** Shows files: the table that everybody can read, and what the script puts into its place. */

import { FIRST_SOUND_RANK, type FilesData, STATES } from "../../page/data.js";
import { type FileModel, pathOfFile } from "../../page/file-model.js";
import { count, sizeText, thousands } from "../../page/text.js";
import { dataBlock, type Html, html } from "./html.js";
import { code, table, tiles } from "./parts.js";
import { treemapPicture } from "./treemap-picture.js";

/** The number of files in the table. The script shows all. */
const SHOWN = 500;

export function stateTiles({ fileCount, counts }: FileModel): Html {
	const states = STATES.flatMap(({ id, label }, rank) => {
		return counts[rank] === 0 ? [] : [{ number: thousands(counts[rank]), label, kind: id }];
	});
	return tiles([{ number: thousands(fileCount), label: fileCount === 1 ? "file" : "files" }, ...states]);
}

export function filesPart(id: string, model: FileModel, data: FilesData, withMap: boolean): Html {
	if (model.fileCount === 0) return html`<h3>Files</h3><p>There are no files.</p>`;
	const map = html`<h3>Where the ${model.hasSizes ? "bytes" : "files"} are</h3><p class="muted">${sizesText(model)} The colour is the state, and of several files together the worst one.</p>${treemapPicture(id, model)}${legend(model)}`;
	const order = Array.from({ length: model.fileCount }, (_, file) => file).sort(
		(a, b) => model.ranks[a] - model.ranks[b],
	);
	const rows = order
		.slice(0, SHOWN)
		.map((file) => [
			badge(model.ranks[file]),
			html`<bdi>${pathOfFile(model, file)}</bdi>`,
			sizeText(data.sizes[file]),
			data.digests[file] === "" ? "" : code(Buffer.from(data.digests[file], "base64").toString("hex").slice(0, 16)),
		]);
	const all =
		rows.length === model.fileCount
			? "All files"
			: `The first ${thousands(rows.length)} of ${count(model.fileCount, "file")}`;
	return html`${withMap ? map : undefined}<h3>Files</h3><div class="files" data-files="${id}" data-label="Files by directory"></div>
<div class="fallback">${table({
		caption: `${all}, the worst first`,
		columns: [["State"], ["File", "name"], ["Size", "number"], ["Digest, beginning"]],
		rows,
		more: model.fileCount - rows.length,
		where: "the script of this page lists all",
	})}</div>${dataBlock(`${id}-files`, data)}`;
}

function sizesText({ hasSizes, directories }: FileModel): string {
	if (!hasSizes) return "No size is known, so each file has the same area.";
	const enlarged = directories[0].problemCount > 0 ? "; one with a finding is drawn large enough to be seen" : "";
	return `The area is the size of a file${enlarged}.`;
}

export function badge(rank: number): Html {
	const { id, label } = STATES[rank];
	return html`<span class="badge st-${id}">${label}</span>`;
}

function legend({ counts }: FileModel): Html {
	const items = STATES.flatMap(({ id, label }, rank) => {
		if (counts[rank] === 0) return [];
		return [
			html`<li class="st-${id}"><span class="swatch${rank < FIRST_SOUND_RANK ? " striped" : ""}"></span>${label}</li>`,
		];
	});
	return html`<ul class="legend" role="list">${items}</ul>`;
}
