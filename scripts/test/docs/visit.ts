/** Opens every page of the built site in Chromium, from the disk, and tells what is on it and what went wrong. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Debian's browser. The tests use no other, so that nothing is downloaded. */
const CHROMIUM = "/usr/bin/chromium";
export const hasChromium = existsSync(CHROMIUM);

/** The start of the browser, or a step in a page, that takes so many milliseconds hangs. */
const LIMIT_MS = 120_000;

/** Starts the browser with a home of its own, where it may leave what it likes. */
export async function startBrowser(home: string): Promise<Browser> {
	const env = { ...process.env, HOME: home };
	const browser = await chromium.launch({ executablePath: CHROMIUM, env, timeout: LIMIT_MS });
	browser.on("context", (context) => context.setDefaultTimeout(LIMIT_MS));
	return browser;
}

export interface Visit {
	/** The path of the page's file in the site. */
	readonly page: string;
	/** Errors of scripts, errors on the console, requests that failed, and requests that went anywhere but to the disk. */
	readonly errors: readonly string[];
	/** The addresses of links and images, complete. */
	readonly targets: readonly string[];
	readonly ids: readonly string[];
}

/** Returns the pages of the site by their paths. */
export const pagesOf = (site: string): string[] =>
	readdirSync(site, { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".html"))
		.sort();

export const addressOf = (site: string, page: string): string => pathToFileURL(join(site, page)).href;

/**
 * Opens each page in one tab, and returns what was found. `look` may ask the page for more, and returns what is wrong.
 */
export async function visitAll(
	browser: Browser,
	site: string,
	options: BrowserContextOptions,
	look: (tab: Page) => Promise<readonly string[]> = async () => [],
): Promise<Visit[]> {
	const context = await browser.newContext({ reducedMotion: "reduce", ...options });
	const tab = await context.newPage();
	let errors: string[] = [];
	tab.on("pageerror", (error) => errors.push(`error: ${error.message}`));
	tab.on("console", (message) => {
		if (message.type() === "error" || message.type() === "warning") errors.push(`console: ${message.text()}`);
	});
	tab.on("request", (request) => {
		if (!/^(?:file|data):/.test(request.url())) errors.push(`request to ${request.url()}`);
	});
	tab.on("requestfailed", (request) => {
		// The browser asks for the icon late, and stops asking when the next page opens.
		const reason = request.failure()?.errorText;
		if (reason !== "net::ERR_ABORTED") errors.push(`failed: ${request.url()}: ${reason}`);
	});
	const visits: Visit[] = [];
	for (const page of pagesOf(site)) {
		errors = [];
		await tab.goto(addressOf(site, page), { waitUntil: "load" });
		const targets = await tab.evaluate<string[]>(
			"[...document.querySelectorAll('a[href], img[src]')].map((element) => element.src ?? element.href)",
		);
		const ids = await tab.evaluate<string[]>("[...document.querySelectorAll('[id]')].map((element) => element.id)");
		errors.push(...(await look(tab)));
		visits.push({ page, errors, targets, ids });
	}
	await context.close();
	return visits;
}

/** Returns one line for each link that leads to no file of the site or to no element of a page. */
export function brokenLinks(site: string, visits: readonly Visit[]): string[] {
	const idsOf = new Map(visits.map(({ page, ids }) => [addressOf(site, page), new Set(ids)]));
	return visits.flatMap(({ page, targets }) =>
		targets
			.filter((target) => target.startsWith("file:"))
			.flatMap((target) => {
				const [address = "", anchor = ""] = target.split("#");
				const ids = idsOf.get(address);
				const isThere = ids === undefined ? existsSync(new URL(address)) && !address.endsWith("/") : true;
				if (!isThere) return [`${page}: ${target} does not exist`];
				const hasAnchor = anchor === "" || ids === undefined || ids.has(decodeURIComponent(anchor));
				return hasAnchor ? [] : [`${page}: ${target} names no element`];
			}),
	);
}
