/** Opens a report about 100,000 files and as many events in Debian's Chromium, and searches in it. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, startBrowser } from "../../../../../scripts/test/docs/visit.js";
import { writeLargeCatalog } from "../../large-catalog.js";
import { atEndOfFile, runner, temporaryDirectory } from "../../support.js";
import { eventLine } from "./hostile-report.js";

const COUNT = 100_000;

const scratch = temporaryDirectory(atEndOfFile);

/** Types a text into the search of a section, and returns the answer when it is drawn. */
const FILTER = `([section, text]) => new Promise((resolve) => {
	const field = document.querySelector(section + " input[type=search]");
	const status = document.querySelector(section + " [role=status]");
	const observer = new MutationObserver(() => requestAnimationFrame(() => {
		observer.disconnect();
		setTimeout(() => resolve(status.textContent));
	}));
	observer.observe(status, { childList: true });
	field.value = text;
	field.dispatchEvent(new Event("input"));
})`;

const SEARCHES = [
	["#s0", "00077/", "1 of 100,000 files"],
	["#s0", "e", "100,000 files"],
	["#s0", "modules/00099", "1,000 of 100,000 files"],
	["#s0", "nothing has this name", "0 of 100,000 files"],
	["#s1", "module-77", "1,111 of 100,000 events"],
	["#s1", "entry", "100,000 events"],
] as const;

describe.skipIf(!hasChromium)("the page about 100,000 files and 100,000 events (needs chromium)", () => {
	let browser: Browser;
	const page = join(scratch, "report.html");
	beforeAll(async () => {
		const [catalog, log] = [join(scratch, "big.cat"), join(scratch, "audit.jsonl")];
		writeLargeCatalog(catalog, COUNT);
		const event = (index: number) => {
			const [verdict, rule] = [index % 1000 === 0 ? "refuse" : "allow", "entry"];
			return eventLine("module.open_code", verdict, { path: `/srv/app/module-${index}/index.js`, rule }, index);
		};
		writeFileSync(log, Array.from({ length: COUNT }, (_, index) => event(index)).join(""));
		expect(runner(scratch)(["report", catalog, log, "-o", page]).status).toBe(1);
		browser = await startBrowser(scratch);
	});
	afterAll(() => browser?.close());

	it("opens, and answers each search", async () => {
		const tab = await browser.newPage();
		await tab.goto(pathToFileURL(page).href, { waitUntil: "load" });
		for (const [section, text, answer] of SEARCHES)
			expect(await tab.evaluate<string>(`(${FILTER})(${JSON.stringify([section, text])})`)).toBe(answer);
		await tab.close();
	});
});
