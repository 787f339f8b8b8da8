/** Writes what mdBook reads: the pages with links that work in the site, the summary, the settings and the style. */

import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withDrawings } from "./drawings.mjs";
import { fileAnchor, siteLinks } from "./links.mjs";
import { fenced } from "./markdown.mjs";
import { EXAMPLES, pageText, siteGroups } from "./pages.mjs";
import { withRecordings } from "./recordings.mjs";

const own = (name) => fileURLToPath(new URL(name, import.meta.url));
/** Names a language for the highlighter where the extension is another word. */
const LANGUAGES = { mjs: "js", cjs: "js", yml: "yaml", service: "ini", conf: "ini", cnf: "ini", env: "ini" };

/**
 * Writes the sources of the book into the folder `target`.
 * @param {string} folder the repository
 * @param {string} target a new folder
 * @param {string | null} repository the address of release.json
 */
export function stageBook(folder, target, repository) {
	const groups = siteGroups(folder);
	const site = { folder, pages: groups.flatMap(({ pages }) => pages), repository };
	const write = (page, text) => {
		mkdirSync(dirname(join(target, "src", page)), { recursive: true });
		writeFileSync(join(target, "src", page), text);
	};
	const staged = (text, source, page) =>
		siteLinks(withRecordings(withDrawings(text, source), folder), source, page, site);

	write("index.md", staged(readFileSync(join(folder, "docs/README.md"), "utf8"), "docs/README.md", "index.md"));
	for (const { source, page } of site.pages) {
		const { document, text, files } = contentOf(folder, source);
		write(page, staged(text, document, page) + files);
	}
	write("SUMMARY.md", summary(groups));
	mkdirSync(join(target, "theme"), { recursive: true });
	copyFileSync(own("favicon.svg"), join(target, "theme/favicon.svg"));
	copyFileSync(own("page.hbs"), join(target, "theme/index.hbs"));
	for (const name of ["book.toml", "site.css", "text.css", "site.js"]) copyFileSync(own(name), join(target, name));
}

function summary(groups) {
	const lines = groups.flatMap(({ title, pages }) => [
		`\n# ${title}\n`,
		...pages.map((page) => `- [${page.title}](${page.page})`),
	]);
	return `# Summary\n\n[Documentation](index.md)\n${lines.join("\n")}\n`;
}

/** Returns the Markdown of a page, the document relative to which its links are, and the files that it shows as they are. */
function contentOf(folder, source) {
	if (source === EXAMPLES) return { document: `${EXAMPLES}/README.md`, text: exampleList(folder), files: "" };
	const isExample = statSync(join(folder, source)).isDirectory();
	const document = isExample ? `${source}/README.md` : source;
	const text = pageText(folder, document);
	return { document, text, files: isExample ? filesOf(join(folder, source)) : "" };
}

/** Returns the page that lists the examples, each with the title of its own page. */
function exampleList(folder) {
	const names = readdirSync(join(folder, EXAMPLES)).filter((name) =>
		statSync(join(folder, EXAMPLES, name)).isDirectory(),
	);
	const items = names.sort().map((name) => {
		const [, title] = /^# (.+)$/m.exec(readFileSync(join(folder, EXAMPLES, name, "README.md"), "utf8")) ?? [];
		return `- [${name}](${name}/README.md): ${title}`;
	});
	return `# Examples\n\nTests run each of these.\n\n${items.join("\n")}\n`;
}

/** Returns the part of an example's page that shows its files. */
function filesOf(example) {
	const names = readdirSync(example, { recursive: true, encoding: "utf8" })
		.filter((name) => name !== "README.md" && statSync(join(example, name)).isFile())
		.sort();
	const files = names.map((name) => {
		const extension = extname(name).slice(1);
		const language = basename(name) === "Dockerfile" ? "dockerfile" : (LANGUAGES[extension] ?? extension);
		return `### ${name} { #${fileAnchor(name)} }\n\n${fenced(readFileSync(join(example, name), "utf8"), language)}`;
	});
	return `\n## Files\n\n${files.join("\n")}`;
}
