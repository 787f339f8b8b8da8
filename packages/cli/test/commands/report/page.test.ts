/** Opens reports from the disk in Debian's Chromium. */

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasChromium, startBrowser } from "../../../../../scripts/test/docs/visit.js";
import { atEndOfFile, temporaryDirectory } from "../../../../../test/temporary.js";
import { hostilePage, IMAGE } from "./hostile-report.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Levels A and AA of WCAG 2.2, and what axe-core calls best practice. */
const LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };

const scratch = temporaryDirectory(atEndOfFile);

describe.skipIf(!hasChromium)("the page of sigtool report (needs chromium)", () => {
	let browser: Browser;
	let file = "";
	beforeAll(async () => {
		file = hostilePage(scratch);
		browser = await startBrowser(scratch);
	});
	afterAll(() => browser?.close());

	/** Opens the page, and requires that nothing went wrong and nothing was requested but the page. */
	async function withPage(
		use: (tab: Page) => Promise<void>,
		options: BrowserContextOptions = {},
		page = file,
	): Promise<void> {
		// Playwright's own scripts obey the policy of the page, unless it is told to go round it. Only axe-core needs that.
		const context = await browser.newContext({ viewport: DESKTOP, reducedMotion: "reduce", ...options });
		const wrong: string[] = [];
		context.on("request", (request) => {
			if (request.url() !== pathToFileURL(page).href) wrong.push(`request to ${request.url()}`);
		});
		context.on("dialog", (dialog) => wrong.push(`dialog ${dialog.message()}`));
		context.on("console", (message) => wrong.push(`console: ${message.text()}`));
		context.on("weberror", (error) => wrong.push(`error: ${error.error().message}`));
		try {
			const tab = await context.newPage();
			await tab.goto(pathToFileURL(page).href);
			await use(tab);
			expect(wrong).toEqual([]);
		} finally {
			await context.close();
		}
	}

	const status = (tab: Page) => tab.locator("#s0 [role=status]").textContent();

	it("opens without an error, a request or a script of a name, and shows hostile names as text", async () => {
		await withPage(async (tab) => {
			expect(await tab.locator("img, iframe, [onerror], [onload]").count()).toBe(0);
			expect(await tab.evaluate("window.hacked")).toBeUndefined();
			expect(await tab.locator("#s0 h2").textContent()).toMatch(/files are not as signed$/);
			await tab.fill("#s0 input", "onerror");
			await tab.locator("#s0 .rows bdi", { hasText: `${IMAGE}.added` }).waitFor();
			await expect.poll(() => status(tab)).toMatch(/^2 of \d+ files$/);
			expect(await tab.evaluate("[...document.scripts].map((script) => script.type)")).toEqual([
				...["application/json", "application/json", "application/json", ""],
			]);
		});
	});

	it("runs no script, loads no picture and applies no style that somebody puts into it, but would without its policy", async () => {
		const text = readFileSync(file, "utf8");
		const planted =
			"<script>window.hacked = 1</script><img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=' onload='window.hacked = 2'>" +
			"<b id='styled' style='color: rgb(1, 2, 3)'>b</b><style>#main { display: none }</style>";
		const attacked = text.replace("</main>", `${planted}</main>`);
		const withoutPolicy = attacked.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, "");
		const results: unknown[] = [];
		for (const [name, content] of Object.entries({ attacked, withoutPolicy })) {
			const page = join(scratch, `${name}.html`);
			writeFileSync(page, content);
			const context = await browser.newContext();
			const tab = await context.newPage();
			await tab.goto(pathToFileURL(page).href, { waitUntil: "load" });
			const isShown = await tab.isVisible("#main");
			results.push([await tab.evaluate("typeof window.hacked"), isShown]);
			if (name === "attacked") {
				const sink = "try { document.body.innerHTML = '<i>x</i>'; 'written' } catch (error) { error.name }";
				expect(await tab.evaluate(sink)).toBe("TypeError");
				const request = "fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => error.message)";
				expect(await tab.evaluate(request)).toMatch(/Failed to fetch|Refused|violates/);
				expect(await tab.evaluate("getComputedStyle(document.getElementById('styled')).color")).not.toBe(
					"rgb(1, 2, 3)",
				);
			}
			await context.close();
		}
		expect(results).toEqual([
			["undefined", true],
			["number", false],
		]);
	});

	it("finds files by state and name, opens directories and files, and goes back", async () => {
		await withPage(async (tab) => {
			const rows = tab.locator("#s0 .rows .row");
			await tab.click('#s0 [data-kind="changed"]');
			expect(await tab.getAttribute('#s0 [data-kind="changed"]', "aria-pressed")).toBe("true");
			await expect.poll(() => status(tab)).toMatch(/^1 of/);
			await rows.filter({ hasText: "main.js" }).click();
			const panel = tab.locator("#s0 .panel");
			await panel.waitFor();
			expect(await panel.textContent()).toMatch(
				/was modified \[ERR_FILE_MODIFIED\].*Signed[0-9a-f]{64}.*Found[0-9a-f]{64}/,
			);
			await tab.keyboard.press("Escape");
			expect(await panel.isVisible()).toBe(false);
			expect(await tab.evaluate("document.activeElement.textContent")).toContain("main.js");
			await tab.click('#s0 [data-kind="changed"]');
			await tab.fill("#s0 input", "NEW/B");
			await expect.poll(() => status(tab)).toMatch(/^1 of/);
			await tab.fill("#s0 input", "");
			// A directory with a finding is open at first.
			const gone = rows.filter({ hasText: "gone.js" });
			expect(await gone.textContent()).toContain("Missing");
			await rows.filter({ hasText: "lib/" }).first().click();
			await expect.poll(() => gone.count()).toBe(0);
		});
	});

	it("is worked with the keyboard alone: one stop in each list, arrows within", async () => {
		await withPage(async (tab) => {
			expect(await tab.locator("#s0 .rows [tabindex='0']").count()).toBe(1);
			expect(await tab.locator("#s0-map [tabindex='0']").count()).toBe(1);
			const focused = () => tab.evaluate<string>("document.activeElement.textContent");
			await tab.focus("#s0 .rows [tabindex='0']");
			await tab.keyboard.press("End");
			const last = await focused();
			await tab.keyboard.press("Home");
			expect(await focused()).not.toBe(last);
			expect(await tab.locator("#s0 .rows [tabindex='0']").count()).toBe(1);
			const directory = tab.locator("#s0 .rows .row", { hasText: "new/" });
			await directory.focus();
			await directory.click();
			await tab.keyboard.press("ArrowLeft");
			const isOpen = () => directory.getAttribute("aria-expanded");
			expect(await isOpen()).toBe("false");
			await tab.keyboard.press("ArrowRight");
			expect(await isOpen()).toBe("true");
			await tab.keyboard.press("ArrowRight");
			expect(await focused()).toContain("a.js");
			await tab.keyboard.press("Enter");
			expect(await focused()).toContain("new/a.js");
			await tab.keyboard.press("Escape");
			await tab.keyboard.press("ArrowLeft");
			expect(await focused()).toContain("new/");

			await tab.focus("#s0-map [tabindex='0']");
			const names: string[] = [];
			for (let step = 0; step < 30; step++) {
				names.push(await tab.evaluate<string>("document.activeElement.querySelector('title').textContent"));
				if (names.at(-1)?.startsWith("new/:")) break;
				await tab.keyboard.press("ArrowRight");
			}
			expect(names.at(-1)).toMatch(/^new\/: 2 files, 2 findings/);
			await tab.keyboard.press("Enter");
			expect(await tab.locator("#s0 .way").textContent()).toBe("All filesnew/");
			await expect.poll(() => status(tab)).toBe("2 files");
			await tab.keyboard.press("Escape");
			expect(await tab.locator("#s0 .way button").count()).toBe(0);
		});
	});

	it("lists refusals first, and filters events by verdict, kind and text", async () => {
		await withPage(async (tab) => {
			const status = () => tab.locator("#s2 [role=status]").textContent();
			expect(await tab.locator("#s2 .rows .row").first().textContent()).toContain("Refused");
			await tab.selectOption("#s2 select", { label: "child_process.spawn (1)" });
			await expect.poll(status).toMatch(/^1 of 41 events$/);
			await tab.locator("#s2 .rows .row").click();
			expect(await tab.locator("#s2 .panel").textContent()).toContain("file/bin/sh");
			await tab.selectOption("#s2 select", "");
			await tab.click('#s2 [data-kind="v-audit"]');
			await expect.poll(status).toMatch(/^1 of 41/);
			await tab.click('#s2 [data-kind="v-audit"]');
			await tab.fill("#s2 input", "onerror");
			await expect.poll(status).toMatch(/^1 of 41/);
		});
	});

	it.each(["light", "dark"] as const)(
		"has no fault that axe-core knows in the %s theme, with a panel open",
		async (colorScheme) => {
			const look = async (tab: Page) => {
				await tab.fill("#s0 input", "main");
				await tab.locator("#s0 .rows .row", { hasText: "main.js" }).click();
				expect(await faultsOfAxe(tab)).toEqual([]);
			};
			await withPage(look, { colorScheme, bypassCSP: true });
		},
	);

	it("fits a phone: only tables, lists and pictures scroll sideways", async () => {
		const look = async (tab: Page) => {
			expect(await tab.evaluate("document.documentElement.scrollWidth")).toBe(PHONE.width);
			expect(await faultsOfAxe(tab)).toEqual([]);
		};
		await withPage(look, { viewport: PHONE, isMobile: true, hasTouch: true, colorScheme: "dark", bypassCSP: true });
	});

	it("shows the same facts without the script, and on paper in dark letters on white", async () => {
		const plain = async (tab: Page) => {
			expect(await tab.isVisible("#s0 .fallback table")).toBe(true);
			expect(await tab.isVisible("#s0-map svg")).toBe(true);
			expect(await tab.isVisible("#s2 .fallback table")).toBe(true);
			expect(await tab.locator("#s0 .fallback tbody tr").first().textContent()).toContain("Changed");
		};
		await withPage(plain, { javaScriptEnabled: false });
		await withPage(
			async (tab) => {
				expect(await tab.isVisible("#s0 .fallback")).toBe(false);
				await tab.emulateMedia({ media: "print", colorScheme: "dark" });
				expect(await tab.isVisible("#s0 .fallback")).toBe(true);
				expect(await tab.isVisible("#s0 .files")).toBe(false);
				const colour = await tab.evaluate("getComputedStyle(document.querySelector('#s0 td')).color");
				expect(colour).toBe("rgb(27, 35, 48)");
			},
			{ colorScheme: "dark" },
		);
	});
});

async function faultsOfAxe(tab: Page): Promise<string[]> {
	await tab.evaluate(AXE);
	const options = { runOnly: { type: "tag", values: LEVELS }, resultTypes: ["violations"], preload: false };
	const { violations } = await tab.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
	return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" ")}`);
}
