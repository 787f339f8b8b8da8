/**
 * The pages of the site. docs/README.md is the one list of the pages in `docs`: each heading of its second level is a
 * group, and each item `- [title](file.md)` below it is a page. The examples and a few files of the root follow.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { withDocuments } from "../json/page.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The folder whose folders are examples: each is one page, and one more page lists them. */
export const EXAMPLES = "examples";

/** These files of the repository are pages, in this order: title, file, and page of the site. */
const PROJECT = [
	["README", "README.md", "project/overview.md"],
	["Changelog", "CHANGELOG.md", "project/changelog.md"],
	["Contributing", "CONTRIBUTING.md", "project/contributing.md"],
	["Security", "SECURITY.md", "project/security.md"],
	["Benchmarks", "bench/README.md", "project/benchmarks.md"],
];

/**
 * Returns the groups of pages in the order of the site. A page has a title, the file or folder of the repository from
 * which it is made, and its own file in the site.
 * @returns {{ title: string, pages: { title: string, source: string, page: string }[] }[]}
 */
export function siteGroups(folder = root) {
	const project = PROJECT.filter(([, source]) => existsSync(join(folder, source)));
	return [
		...listedGroups(readFileSync(join(folder, "docs/README.md"), "utf8")),
		{ title: "Examples", pages: examplePages(folder) },
		{ title: "The project", pages: project.map(([title, source, page]) => ({ title, source, page })) },
	].filter(({ pages }) => pages.length > 0);
}

/** Returns the Markdown of a page as it is shipped, with the tables that the repository's file has no copy of. */
export function pageText(folder, source) {
	const text = readFileSync(join(folder, source), "utf8");
	return source === "docs/reference/json.md" ? withDocuments(text) : text;
}

/** Returns one sentence for each page that is on no list, on several, or nowhere. */
export function listFaults(folder = root) {
	const listed = listedGroups(readFileSync(join(folder, "docs/README.md"), "utf8")).flatMap(({ pages }) =>
		pages.map(({ source }) => source),
	);
	const there = readdirSync(join(folder, "docs"), { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".md") && name !== "README.md")
		.map((name) => posix.join("docs", name));
	return [
		...there
			.filter((file) => !listed.includes(file))
			.map((file) => `${file} is on no list: add a line for it to docs/README.md`),
		...listed
			.filter((file, index) => listed.indexOf(file) !== index)
			.map((file) => `${file} is listed twice in docs/README.md`),
		...listed
			.filter((file) => !there.includes(file))
			.map((file) => `docs/README.md lists ${file}, which does not exist`),
	];
}

function listedGroups(text) {
	const groups = [];
	for (const [, heading, title, file] of text.matchAll(/^## (.+)$|^- \[([^\]]+)\]\(([^)#:]+\.md)\)/gm)) {
		if (heading !== undefined) groups.push({ title: heading, pages: [] });
		else groups.at(-1)?.pages.push({ title, source: posix.join("docs", file), page: file });
	}
	return groups.filter(({ pages }) => pages.length > 0);
}

function examplePages(folder) {
	const names = readdirSync(join(folder, "examples"), { withFileTypes: true })
		.filter((entry) => entry.isDirectory())
		.map(({ name }) => name)
		.sort();
	return [
		{ title: "All examples", source: EXAMPLES, page: "examples/index.md" },
		...names.map((name) => ({ title: name, source: `${EXAMPLES}/${name}`, page: `examples/${name}.md` })),
	];
}
