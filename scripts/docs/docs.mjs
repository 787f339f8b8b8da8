/**
 * Builds the documentation as a site that needs no server: open `site/index.html` in a browser.
 *
 * Usage: `node scripts/docs/docs.mjs [FOLDER]`; by default the folder `site` of the repository. The exit status is 2
 * without mdBook.
 */

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { releaseFacts } from "../release/workspace.mjs";
import { root } from "./pages.mjs";
import { stageBook } from "./stage.mjs";

/** mdBook writes these for its own template, and ours uses none of them. */
const UNUSED = [
	...["FontAwesome", "fonts", "css", "book.js", "toc.html", "clipboard.min.js", "highlight.js"],
	...["highlight.css", "ayu-highlight.css", "tomorrow-night.css", ".nojekyll"],
];
const output = resolve(process.argv[2] ?? join(root, "site"));
process.exitCode = build();

function build() {
	const start = performance.now();
	if (spawnSync("mdbook", ["--version"]).error !== undefined) {
		console.error("Cannot build the site: mdbook is not installed. On Debian: sudo apt install mdbook");
		return 2;
	}
	if (existsSync(output) && !existsSync(join(output, "searchindex.js"))) {
		console.error(`Cannot write to "${output}": it is there, and is no site of this command`);
		return 2;
	}
	const scratch = mkdtempSync(join(tmpdir(), "sigtool-docs-"));
	try {
		stageBook(root, scratch, releaseFacts().repository);
		const { status, stderr } = spawnSync("mdbook", ["build", scratch], { encoding: "utf8" });
		// mdBook goes on after a warning, but each one is a fault of a page.
		if (status !== 0 || /\[(WARN|ERROR)\]/.test(stderr)) {
			console.error(`Cannot build the site: mdbook says\n${stderr.trim()}`);
			return 1;
		}
		for (const name of UNUSED) rmSync(join(scratch, "book", name), { recursive: true, force: true });
		rmSync(output, { recursive: true, force: true });
		cpSync(join(scratch, "book"), output, { recursive: true });
	} finally {
		rmSync(scratch, { recursive: true, force: true });
	}
	console.log(`${join(output, "index.html")} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
	return 0;
}
