/** Leads the links of the repository's documents to pages of the site. */

import { existsSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { headingAnchors, linkTargets, mapLinks } from "./markdown.mjs";

/**
 * Returns the Markdown of one document with links that work in the site. A link to a file that is no page leads to the
 * repository. While release.json names no repository, its words remain, without a link.
 * @param {string} text the document
 * @param {string} source its path in the repository
 * @param {string} page its path in the site
 * @param {{ folder: string, pages: readonly { source: string, page: string }[], repository: string | null }} site
 */
export function siteLinks(text, source, page, site) {
	return mapLinks(text, ({ written, words, target, isImage }) => {
		if (isImage || isAddress(target) || target.startsWith("#")) return written;
		const { path, anchor } = resolveTarget(target, source);
		const found = pageOf(path, anchor, site);
		if (found !== undefined) {
			const relative = posix.relative(posix.dirname(page), found.page);
			return `[${words}](${relative}${found.anchor === "" ? "" : `#${found.anchor}`})`;
		}
		return site.repository === null ? words : `[${words}](${site.repository}/blob/HEAD/${path})`;
	});
}

/** Returns the anchor in an example's page below which a file of the example stands. */
export const fileAnchor = (path) => `file-${path.replaceAll(/[^\w.-]/g, "-")}`;

/** Returns one sentence for each link of the document to a file or an anchor that does not exist. */
export function linkFaults(text, source, folder, read) {
	const faults = [];
	for (const target of linkTargets(text)) {
		if (isAddress(target)) continue;
		const { path, anchor } = resolveTarget(target, source);
		const place = join(folder, path);
		if (!existsSync(place)) faults.push(`${source}: the link to "${target}" leads nowhere`);
		else if (anchor !== "" && path.endsWith(".md") && !headingAnchors(read(place)).includes(anchor))
			faults.push(`${source}: the link to "${target}" names no heading of ${path}`);
	}
	return faults;
}

const isAddress = (target) => /^[a-z][a-z+.-]*:/i.test(target);

function resolveTarget(target, source) {
	const [name, anchor = ""] = target.split("#");
	const path = name === "" ? source : posix.normalize(posix.join(posix.dirname(source), name));
	return { path: path.replace(/\/$/, ""), anchor };
}

/** Returns the page and the anchor that show a file or folder of the repository, or undefined. */
function pageOf(path, anchor, { folder, pages }) {
	if (path === "docs" || path === "docs/README.md") return { page: "index.md", anchor };
	const exact = pages.find(({ source }) => path === source || path === `${source}/README.md`);
	if (exact !== undefined) return { page: exact.page, anchor };
	const example = /^(examples\/[^/]+)\/(.+)$/.exec(path);
	const shown = example === null ? undefined : pages.find(({ source }) => source === example[1]);
	if (shown === undefined || !statSync(join(folder, path)).isFile()) return undefined;
	return { page: shown.page, anchor: fileAnchor(example[2]) };
}
