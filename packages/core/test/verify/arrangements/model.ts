/**
 * The rules of docs/explanation/threat-model.md and docs/reference/catalog-format.md about which catalogs decide on a
 * file, as plainly as they can be written: over a world in memory, and without any code of sigtool.
 */

import { type Catalog, type Directory, directoryAt, type File, type Node, nodeAt, type Place } from "./world.js";

/** The file to which a path leads, and the places of the links on the way. The directory of each is real. */
export interface Way {
	readonly place: Place;
	readonly links: readonly Place[];
}

/** Follows a path from the top of the world as the kernel does. Returns undefined if it leads nowhere. */
export function follow(world: Directory, path: string): Way | undefined {
	const ahead = path.split("/").reverse();
	const links: Place[] = [];
	let place: string[] = [];
	while (ahead.length > 0) {
		const step = ahead.pop() ?? "";
		if (step === "" || step === ".") continue;
		if (nodeAt(world, place)?.kind !== "directory") return undefined;
		if (step === "..") {
			if (place.length === 0) return undefined; // The path leaves the world.
			place = place.slice(0, -1);
			continue;
		}
		const node = nodeAt(world, [...place, step]);
		if (node === undefined) return undefined;
		if (node.kind !== "link") {
			place = [...place, step];
			continue;
		}
		links.push([...place, step]);
		if (links.length > 30) return undefined;
		if (node.target.startsWith("/")) place = [];
		ahead.push(...node.target.split("/").reverse());
	}
	return { place, links };
}

/** A catalog with its place and the directory in which it lies. */
interface Found {
	readonly name: string;
	readonly file: File;
	readonly above: Place;
}

/** Returns the verdict on the file at a path that leads somewhere. */
export function verdictOn(world: Directory, { place, links }: Way): "trusted" | "failed" {
	const start = place.slice(0, -1);
	const nearest = nearestTo(world, start);
	if (nearest === undefined) return "failed";
	const { above } = nearest;
	if (!isSound(nearest.file)) return "failed";
	if (!signsAsIs(world, nearest, place) || !isSignedOutward(world, nearest, start)) return "failed";
	for (const link of links) {
		// A link below the root of the tree is compared with its catalog, and any other with the catalogs that claim it.
		const isInside = isBelow(link, above);
		const signing = isInside ? nearest : next(world, link, start);
		if (signing === "rivals") return "failed";
		if (signing === undefined) continue;
		if (!isSound(signing.file) || !signsAsIs(world, signing, link)) return "failed";
		if (!isInside && !isSignedOutward(world, signing, start)) return "failed";
	}
	return "trusted";
}

/** Each outer catalog must sign the next inner one. */
function isSignedOutward(world: Directory, inner: Found, start: Place): boolean {
	const outer = next(world, inner.above, start);
	if (outer === undefined) return true;
	if (outer === "rivals" || !isSound(outer.file)) return false;
	return signsAsIs(world, outer, [...inner.above, inner.name]) && isSignedOutward(world, outer, start);
}

/**
 * The catalog of a directory is the one with its name, in it or above it. If there is none, the nearest directory with
 * a catalog counts, and two are refused. Above, only those count that claim the directory.
 */
function nearestTo(world: Directory, start: Place): Found | undefined {
	for (const above of upFrom(start)) {
		const usual = conventional(world, above);
		if (usual !== undefined && (isSame(above, start) || claims(world, usual, start)) && counts(world, usual, start))
			return usual;
	}
	for (const above of upFrom(start)) {
		const all = catalogsIn(world, above);
		if (!isSame(above, start) && !all.some((found) => claims(world, found, start, "unnamed"))) continue;
		const [first, ...more] = all.filter((found) => counts(world, found, start));
		if (first !== undefined) return more.length === 0 ? first : undefined;
	}
	return undefined;
}

/** Returns the next catalog above a directory, or a link, that claims it. */
function next(world: Directory, inner: Place, start: Place): Found | "rivals" | undefined {
	if (inner.length === 0) return undefined;
	for (const above of upFrom(inner.slice(0, -1))) {
		const usual = conventional(world, above);
		if (usual !== undefined && claims(world, usual, inner) && counts(world, usual, start)) return usual;
		const others = catalogsIn(world, above).filter(({ name }) => name !== usual?.name);
		const [first, ...more] = others.filter((found) => claims(world, found, inner) && counts(world, found, start));
		if (first !== undefined) return more.length === 0 ? first : "rivals";
	}
	return undefined;
}

/**
 * A catalog above a tree claims it if it signs a path at or below it, or if it signs the whole tree around it. It signs
 * the tree of its own directory if it is named after this directory, or if every name at the top of what it signs is
 * there. What its rules leave out it does not claim. What is no catalog claims everything, for damage must not hide it.
 */
function claims(world: Directory, { file, name, above }: Found, inner: Place, naming = "named"): boolean {
	const { catalog } = file;
	if (catalog === undefined) return true;
	const path = inner.slice(above.length).join("/");
	const { rule, signs } = catalog;
	if (rule.kind === "scope" && isAtOrBelow(path, rule.name)) return true;
	if ([...signs.keys()].some((signed) => isAtOrBelow(signed, path))) return true;
	const leavesOut = rule.kind === "ignore" && path.split("/").includes(rule.name);
	if ((rule.kind !== "whole" && rule.kind !== "ignore") || leavesOut) return false;
	if (naming === "named" && name === `${above.at(-1)}.cat`) return true;
	const there = directoryAt(world, above).names;
	return [...signs.keys()].every((signed) => there.has(signed.split("/")[0]));
}

/** A catalog above that is not trusted, and that another user could have put there, does not count. */
function counts(world: Directory, { file, above }: Found, start: Place): boolean {
	const isByOthers = file.isForeign === true || directoryAt(world, above).isOpen === true;
	return isSame(above, start) || !isByOthers || isSound(file);
}

function isSound({ catalog }: File): boolean {
	return catalog?.isTrusted === true;
}

function signsAsIs(world: Directory, { file, above }: Found, place: Place): boolean {
	if (!isBelow(place, above)) return false;
	const signed = (file.catalog as Catalog).signs.get(place.slice(above.length).join("/"));
	const found: Node | undefined = nodeAt(world, place);
	if (found?.kind === "link") return signed === found.target;
	return found?.kind === "file" && signed instanceof Buffer && signed.equals(found.content);
}

function conventional(world: Directory, above: Place): Found | undefined {
	if (above.length === 0) return undefined;
	const name = `${above.at(-1)}.cat`;
	const node = directoryAt(world, above).names.get(name);
	return node?.kind === "file" ? { name, file: node, above } : undefined;
}

/** Returns the catalogs of sigtool in a directory. */
function catalogsIn(world: Directory, above: Place): Found[] {
	const found: Found[] = [];
	for (const [name, node] of directoryAt(world, above).names) {
		if (name.endsWith(".cat") && node.kind === "file" && node.catalog !== undefined)
			found.push({ name, file: node, above });
	}
	return found;
}

function upFrom(place: Place): Place[] {
	return place.map((_, depth) => place.slice(0, place.length - depth)).concat([[]]);
}

function isSame(a: Place, b: Place): boolean {
	return a.join("/") === b.join("/");
}

function isBelow(place: Place, above: Place): boolean {
	return place.length > above.length && isSame(place.slice(0, above.length), above);
}

function isAtOrBelow(path: string, above: string): boolean {
	return path === above || path.startsWith(`${above}/`);
}
