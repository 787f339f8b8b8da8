/** Opens a report about 100,000 files and as many events in Debian's Chromium, and measures. */

import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, startBrowser } from "../../../../../scripts/test/docs/visit.js";
import { writeLargeCatalog } from "../../large-catalog.js";
import { runner } from "../../support.js";
import { eventLine } from "./hostile-report.js";

const COUNT = 100_000;
const OPEN_MS = 2000;
const FILTER_MS = 200;
/**
 * Other programs on the machine slow single runs down, so the fastest of several counts, and there are more runs if those
 * before were too slow.
 */
const MAX_RUNS = 12;

const scratch = mkdtempSync(join(tmpdir(), "sigtool-report-size-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Types a text into the search of a section, and returns the milliseconds until the answer is drawn, and the answer. */
const FILTER = `([section, text]) => new Promise((resolve) => {
	const field = document.querySelector(section + " input[type=search]");
	const status = document.querySelector(section + " [role=status]");
	const before = performance.now();
	const observer = new MutationObserver(() => requestAnimationFrame(() => {
		observer.disconnect();
		setTimeout(() => resolve([performance.now() - before, status.textContent]));
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

	it(`opens within ${OPEN_MS} ms and filters within ${FILTER_MS} ms`, async () => {
		const opened: number[] = [];
		const filtered: number[][] = [];
		const open = () => Math.min(...opened);
		const filter = () =>
			Math.max(...SEARCHES.map((_, index) => Math.min(...filtered.map((times) => times[index] ?? 0))));
		while (opened.length === 0 || (opened.length < MAX_RUNS && (open() > OPEN_MS || filter() > FILTER_MS))) {
			const tab = await browser.newPage();
			const before = performance.now();
			await tab.goto(pathToFileURL(page).href, { waitUntil: "load" });
			await tab.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))");
			opened.push(performance.now() - before);
			// Nobody types before the page has been seen.
			await tab.waitForTimeout(500);
			const times: number[] = [];
			for (const [section, text, answer] of SEARCHES) {
				const [time, status] = await tab.evaluate<[number, string]>(`(${FILTER})(${JSON.stringify([section, text])})`);
				times.push(time);
				expect(status).toBe(answer);
			}
			filtered.push(times);
			await tab.close();
		}
		const sizeText = `${(statSync(page).size / 1e6).toFixed(1)} MB`;
		const figures = `opened in ${opened.map(Math.round)} ms, filtered in ${filtered.map((times) => times.map(Math.round).join("/"))} ms, ${sizeText}`;
		expect(open(), figures).toBeLessThan(OPEN_MS);
		expect(filter(), figures).toBeLessThan(FILTER_MS);
	});
});
