/**
 * Takes pictures of pages of the built site, in both themes, for a wide screen and for a phone.
 *
 * Usage: `node scripts/docs/screenshots.mjs FOLDER PAGE…`, after `pnpm run docs`, for example with the page
 * `reference/errors.html`. It needs Debian's chromium.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { root } from "./pages.mjs";

const [folder, ...pages] = process.argv.slice(2);
if (folder === undefined || pages.length === 0) {
	console.error("Usage: node scripts/docs/screenshots.mjs FOLDER PAGE…");
	process.exit(2);
}
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium" });
for (const colorScheme of ["light", "dark"]) {
	for (const width of [1280, 360]) {
		const context = await browser.newContext({
			colorScheme,
			reducedMotion: "reduce",
			viewport: { width, height: 900 },
		});
		const tab = await context.newPage();
		for (const page of pages) {
			await tab.goto(pathToFileURL(join(root, "site", page)).href);
			const name = page.replace(/\.html$/, "").replaceAll("/", "-");
			await tab.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`) });
		}
		await context.close();
	}
}
await browser.close();
