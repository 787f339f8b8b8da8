/**
 * Compares verifyPath() with a plain model of the rules about outer catalogs, on random arrangements of trees, links,
 * catalogs and other users. The model reads neither a disk nor a catalog.
 */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { isRoot } from "../../../../../test/outside.js";
import { SigtoolError, trustFromCertificates, verifyPath } from "../../../dist/read.js";
import { arrange, randomFrom, randomPath } from "./arrange.js";
import { follow, verdictOn } from "./model.js";
import { certificate, nodeAt, write } from "./world.js";

const ARRANGEMENTS = 2000;
const GROUPS = 20;
const PATHS_EACH = 4;
const home = mkdtempSync(join(tmpdir(), "sigtool-arrangements-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const trust = trustFromCertificates([certificate]);
const seen = { trusted: 0, failed: 0 };

async function verdict(path: string): Promise<string> {
	try {
		return (await verifyPath(path, { trust })).verdict;
	} catch (error) {
		if (error instanceof SigtoolError) return "failed";
		throw error;
	}
}

async function compare(seed: number): Promise<void> {
	const random = randomFrom(seed);
	const place = join(home, String(seed));
	const { top, steps } = await arrange(random, place);
	mkdirSync(place);
	write(top, place, isRoot ? "changed" : "kept");
	for (let attempt = 0; attempt < PATHS_EACH; attempt++) {
		const path = randomPath(random, top, (typed) => {
			const way = follow(top, typed);
			return way && nodeAt(top, way.place);
		});
		const way = path === undefined ? undefined : follow(top, path);
		if (path === undefined || way === undefined) continue;
		const typed = random(4) === 0 ? `/proc/self/cwd/${relative(process.cwd(), place)}/${path}` : `${place}/${path}`;
		const expected = verdictOn(top, way);
		seen[expected]++;
		expect(await verdict(typed), [`seed ${seed}`, ...steps, `verify ${path} (${way.place.join("/")})`].join("\n")).toBe(
			expected,
		);
	}
	rmSync(place, { recursive: true });
}

describe("verifyPath() says of a file what the rules say", () => {
	it.each(Array.from({ length: GROUPS }, (_, group) => group))("in random arrangements, group %i", async (group) => {
		for (let n = 0; n < ARRANGEMENTS / GROUPS; n++) await compare(group * 1000 + n);
	});

	it("and both verdicts are frequent", () => {
		expect(seen.trusted).toBeGreaterThan(ARRANGEMENTS / 4);
		expect(seen.failed).toBeGreaterThan(ARRANGEMENTS / 4);
	});
});
