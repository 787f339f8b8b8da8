/** Builds the site, and opens it from the disk in Debian's Chromium. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AxeResults, RunOnly, RunOptions } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasProgram, spawnSync } from "../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../test/temporary.js";
import { siteGroups } from "../../docs/pages.mjs";
import { COMMANDS } from "../../json/documents.mjs";
import { addressOf, brokenLinks, hasChromium, pagesOf, startBrowser, type Visit, visitAll } from "./visit.js";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const script = join(workspace, "scripts/docs/docs.mjs");
const hasMdBook = hasProgram("mdbook");
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };

const scratch = temporaryDirectory(atEndOfFile);
const site = join(scratch, "site");

describe("pnpm run docs", () => {
	it("says how to install mdBook where it is missing", () => {
		const { status, stderr } = spawnSync(process.execPath, [script, site], {
			env: { PATH: scratch },
			encoding: "utf8",
		});
		expect(stderr).toBe("Cannot build the site: mdbook is not installed. On Debian: sudo apt install mdbook\n");
		expect(status).toBe(2);
	});

	it.skipIf(!hasMdBook)("replaces no folder that is not a site (needs mdbook)", () => {
		const folder = join(scratch, "other");
		mkdirSync(folder);
		writeFileSync(join(folder, "kept"), "");
		const { status, stderr } = spawnSync(process.execPath, [script, folder], { encoding: "utf8" });
		expect(stderr).toContain("is there, and is no site of this command");
		expect(status).toBe(2);
		expect(existsSync(join(folder, "kept"))).toBe(true);
	});
});

describe.skipIf(!hasMdBook || !hasChromium)("the site, from the disk (needs mdbook and chromium)", () => {
	let browser: Browser;
	beforeAll(async () => {
		const { status, stderr } = spawnSync(process.execPath, [script, site], { encoding: "utf8" });
		expect(stderr).toBe("");
		expect(status).toBe(0);
		browser = await startBrowser(scratch);
	});
	afterAll(() => browser?.close());

	/** Opens one page, and closes its tab when the function has ended. */
	async function withPage<T>(page: string, options: object, use: (tab: Page) => Promise<T>): Promise<T> {
		const context = await browser.newContext({ viewport: DESKTOP, ...options });
		try {
			const tab = await context.newPage();
			await tab.goto(addressOf(site, page));
			return await use(tab);
		} finally {
			await context.close();
		}
	}
	const background = (tab: Page) => tab.evaluate<string>("getComputedStyle(document.body).backgroundColor");

	it("has each page of docs/README.md, each example, and the documents of the root", async () => {
		const expected = siteGroups().flatMap(({ pages }) => pages.map(({ page }) => page.replace(/\.md$/, ".html")));
		expect(pagesOf(site)).toEqual([...expected, "index.html"].sort());
		const listed = await withPage("reference/errors.html", {}, (tab) =>
			tab.evaluate<string[]>("[...document.querySelectorAll('#sidebar a')].map((link) => link.href)"),
		);
		expect(listed.sort()).toEqual(
			pagesOf(site)
				.map((page) => addressOf(site, page))
				.sort(),
		);
	});

	it("opens without an error, loads nothing from elsewhere, has no broken link, anchor or image, and no fault that axe-core knows", async () => {
		const look = (tab: Page) => faultsOfAxe(tab, LEVELS);
		const visits = await visitAll(browser, site, { viewport: DESKTOP, colorScheme: "light" }, look);
		expect(errorsOf(visits)).toEqual([]);
		expect(brokenLinks(site, visits)).toEqual([]);
		expect(visits.reduce((count, { targets }) => count + targets.length, 0)).toBeGreaterThan(1000);
	});

	it("has enough contrast in the dark theme, and on a phone scrolls sideways only in boxes of tables, code and drawings", async () => {
		const look = async (tab: Page) => {
			const width = await tab.evaluate<number>("document.documentElement.scrollWidth");
			const faults = await faultsOfAxe(tab, { type: "rule", values: ["color-contrast"] });
			return width > PHONE.width ? [...faults, `is ${width} pixels wide`] : faults;
		};
		const phone = { viewport: PHONE, isMobile: true, hasTouch: true, colorScheme: "dark" } as const;
		expect(errorsOf(await visitAll(browser, site, phone, look))).toEqual([]);
	});

	it("finds a broken link, a broken anchor and faint text where there is one", async () => {
		const copy = join(scratch, "broken");
		mkdirSync(copy);
		const links = '<a href="b.html">b</a><a href="#there">c</a><a href="#here">d</a>';
		const faint = '<p id="here" style="color: #ccc; background: #fff">faint</p>';
		writeFileSync(join(copy, "a.html"), `<html lang="en"><title>a</title>${links}${faint}</html>`);
		const visits = await visitAll(browser, copy, {}, (tab) => faultsOfAxe(tab, LEVELS));
		expect(brokenLinks(copy, visits)).toEqual([
			expect.stringMatching(/b\.html does not exist$/),
			expect.stringMatching(/#there names no element$/),
		]);
		expect(visits[0]?.errors).toContainEqual(expect.stringMatching(/^color-contrast: <p id="here"/));
	});

	it("shows the list of pages on a phone when the reader asks for it", async () => {
		await withPage("index.html", { viewport: PHONE }, async (tab) => {
			expect(await tab.isVisible("#sidebar a")).toBe(false);
			await tab.click("#sidebar-toggle");
			expect(await tab.isVisible("#sidebar a")).toBe(true);
			expect(await tab.getAttribute("#sidebar-toggle", "aria-expanded")).toBe("true");
		});
	});

	it("finds a word, and leads to the page", async () => {
		await withPage("index.html", {}, async (tab) => {
			await tab.waitForFunction("window.search?.hasFocus && window.search.index !== undefined");
			await tab.keyboard.press("s");
			await tab.fill("#searchbar", "native gate");
			await tab.keyboard.press("Shift");
			const first = tab.locator("#searchresults li a").first();
			expect(await first.textContent()).toContain("gate");
			await tab.locator('#searchresults a[href*="explanation/gate.html"]').first().click();
			expect(tab.url()).toContain("/explanation/gate.html");
			await tab.waitForSelector("main mark");
		});
	});

	it("keeps what is typed before the index of the search has arrived, and does not answer with the changelog", async () => {
		await withPage("index.html", {}, async (tab) => {
			let arrive = () => {};
			const arrived = new Promise<void>((resolve) => {
				arrive = resolve;
			});
			await tab.route("**/searchindex.js", async (route) => {
				await arrived;
				await route.continue();
			});
			await tab.reload({ waitUntil: "domcontentloaded" });
			await tab.keyboard.press("/");
			await tab.keyboard.type("exclude files");
			expect(await tab.inputValue("#searchbar")).toBe("exclude files");
			arrive();
			await tab.waitForSelector("#searchresults li a");
			const places = await tab
				.locator("#searchresults li a")
				.evaluateAll((links) => links.map((link) => link.getAttribute("href")));
			expect(places.join(" ")).not.toContain("changelog");
		});
	});

	it("follows the theme of the system, until the reader chooses one", async () => {
		await withPage("index.html", { colorScheme: "dark" }, async (tab) => {
			const dark = await background(tab);
			await tab.click("#theme-toggle");
			expect(await tab.textContent("#theme-toggle")).toBe("Theme: light");
			expect(await background(tab)).toBe("rgb(255, 255, 255)");
			await tab.goto(addressOf(site, "reference/errors.html"));
			expect(await background(tab)).toBe("rgb(255, 255, 255)");
			await tab.click("#theme-toggle");
			expect(await background(tab)).toBe(dark);
			expect(dark).not.toBe("rgb(255, 255, 255)");
		});
	});

	it("prints the text alone, in dark letters on white", async () => {
		await withPage("explanation/how-it-works.html", { colorScheme: "dark" }, async (tab) => {
			await tab.emulateMedia({ media: "print", colorScheme: "dark" });
			expect(await background(tab)).toBe("rgb(255, 255, 255)");
			expect(await tab.isVisible("header")).toBe(false);
			expect(await tab.isVisible(".drawing svg")).toBe(true);
			const colour = await tab.evaluate<string>("getComputedStyle(document.querySelector('.drawing text')).fill");
			expect(colour).toBe(await tab.evaluate<string>("getComputedStyle(document.body).color"));
		});
	});

	it("has the members of each JSON document, which no page of the repository has", () => {
		const page = readFileSync(join(site, "reference/json.html"), "utf8");
		for (const name of Object.keys(COMMANDS)) expect(page).toContain(`<h2 id="${name.replaceAll(" ", "-")}">`);
		expect(page).toContain("<td><code>notAfter</code></td>");
	});

	it("can be read without scripts", async () => {
		await withPage("explanation/how-it-works.html", { javaScriptEnabled: false }, async (tab) => {
			expect(await tab.isVisible("main h1")).toBe(true);
			expect(await tab.isVisible(".drawing svg")).toBe(true);
			expect(await tab.isVisible("noscript a")).toBe(true);
		});
	});

	it("shows the recording line by line, and at once to who wants no motion", async () => {
		const opacities = (tab: Page) =>
			tab.evaluate<string[]>(
				"[...document.querySelectorAll('.recording span')].map((span) => getComputedStyle(span).opacity)",
			);
		const moving = await withPage("index.html", { reducedMotion: "no-preference" }, async (tab) => {
			const before = await opacities(tab);
			await tab.evaluate("for (const animation of document.getAnimations()) animation.finish()");
			return [before.at(-1), (await opacities(tab)).every((opacity) => opacity === "1")];
		});
		expect(moving).toEqual(["0", true]);
		const still = await withPage("index.html", { reducedMotion: "reduce" }, opacities);
		expect(still.length).toBeGreaterThan(40);
		expect(new Set(still)).toEqual(new Set(["1"]));
	});
});

/** Returns one line for each error, with its page. */
const errorsOf = (visits: readonly Visit[]) =>
	visits.flatMap(({ page, errors }) => errors.map((error) => `${page}: ${error}`));

/** Levels A and AA of WCAG 2.2. */
const LEVELS = { type: "tag" as const, values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] };

/** Returns what axe-core finds on the page by the rules or levels. */
async function faultsOfAxe(tab: Page, runOnly: RunOnly): Promise<string[]> {
	await tab.evaluate(readFileSync(AXE, "utf8"));
	const options: RunOptions = { runOnly, resultTypes: ["violations"], preload: false };
	const { violations } = await tab.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
	return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" ")}`);
}
