/** Tests that one entry of a catalog is found as in the whole catalog, and is refused with the same message. */

import fc from "fast-check";
import { expect, it } from "vitest";
import { SigtoolError } from "../../dist/errors.js";
import { entriesByPath, entryByPath } from "../../dist/formats/cat-entries.js";
import type { CatalogFacts } from "../../dist/formats/cat-facts.js";
import type { Catalog } from "../../dist/formats/cat-model.js";

interface Member {
	readonly path: string;
	readonly size: 20 | 32;
}

/**
 * Returns a catalog with these members. Its `bytes` contain only the paths of the members, because the tested functions
 * read nothing else from them.
 */
function catalogOf(members: readonly Member[]): Catalog {
	const texts = members.map(({ path }) => Buffer.from(path, "utf16le"));
	const ends = texts.map((_, i) => texts.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0));
	const count = members.length;
	return {
		...{ bytes: Buffer.concat(texts), version: 2, listId: new Uint8Array(16), thisUpdate: 0, attributes: [] },
		members: {
			count,
			digests: Uint8Array.from({ length: 32 * count }, (_, i) => i >> 5),
			digestSizes: Uint8Array.from(members, ({ size }) => size),
			subjectKinds: new Uint8Array(count).fill(1),
			pathStarts: Uint32Array.from([0, ...ends.slice(0, -1)]),
			pathEnds: Uint32Array.from(ends),
			modes: new Int16Array(count).fill(-1),
			wholeDigestStarts: new Uint32Array(count),
			carriedCounts: new Uint8Array(count),
			attributeStarts: new Uint32Array(count),
			order: "sorted",
		},
	};
}

function outcomeOf<T>(action: () => T): T | string {
	try {
		return action();
	} catch (error) {
		if (error instanceof SigtoolError) return `${error.code} ${error.message}`;
		throw error;
	}
}

const names = ["a", "b", "c", "d", "ab", "A", "[e]"];
const unusual = ["", "..", "a.", "K", "\u212a", "\u00e9", "e\u0301", "\0", "\ud800"];
const pathOf = (from: readonly string[], separator: fc.Arbitrary<string>) =>
	fc.array(fc.tuple(fc.constantFrom(...from), separator), { minLength: 1, maxLength: 3 }).map((parts) =>
		parts
			.map(([name, slash]) => name + slash)
			.join("")
			.slice(0, -1),
	);

function setsOf(from: readonly string[]) {
	const size = fc.constantFrom<20 | 32>(32, 32, 32, 20);
	const path = pathOf(from, fc.constant("/"));
	return fc.record({
		members: fc.array(fc.record({ path: pathOf(from, fc.constantFrom("/", "\\")), size }), { maxLength: 6 }),
		emptyFiles: fc.array(path, { maxLength: 1 }),
		links: fc.array(path, { maxLength: 1 }),
		caseCollisions: fc.constantFrom<CatalogFacts["caseCollisions"]>("refuse", "allow"),
	});
}

it("entryByPath() returns and refuses what entriesByPath() does", () => {
	let accepted = 0;
	const property = fc.property(fc.oneof(setsOf(names), setsOf([...names, ...unusual])), (set) => {
		const catalog = catalogOf(set.members);
		const facts: CatalogFacts = {
			...{ modes: "none", links: "record", caseCollisions: set.caseCollisions, ignore: [], include: [], scope: "root" },
			emptyFiles: new Map(set.emptyFiles.map((path) => [path, -1])),
			symbolicLinks: new Map(set.links.map((path) => [path, "target"])),
		};
		const all = outcomeOf(() => entriesByPath(catalog, facts, 32));
		const paths = set.members.map(({ path }) => path.replaceAll("\\", "/"));
		for (const path of ["a", "A", "", "a/b", "a\\b", "\u00e9", ...paths, ...set.emptyFiles, ...set.links]) {
			const one = outcomeOf(() => entryByPath(catalog, facts, 32, path));
			if (typeof all === "string") expect(one).toBe(all);
			else {
				const only = <T>(map: ReadonlyMap<string, T>) => new Map([...map].filter(([name]) => name === path));
				expect(one).toEqual({ files: only(all.files), links: only(all.links) });
			}
		}
		if (typeof all !== "string") accepted++;
	});
	fc.assert(property, { numRuns: 3000 });
	expect(accepted).toBeGreaterThan(300);
});
