/**
 * What sigtool records in a catalog beside the members: NameValue attributes of the list, one name a fact.
 *
 * `FilePath` is PowerShell's (New-FileCatalog lists zero-length files so); names that begin with `Sigtool` are ours and
 * every other reader skips them. docs/catalog-format.md documents each. Facts count as evidence only in a verified
 * catalog; reading them is strict either way, because a fact read two ways is no fact.
 */

import { quote, SigtoolError } from "../errors.js";
import { type CarriedAttribute, entryPathAt, type Manifest } from "../fileset/manifest.js";
import { CARRIED_ATTRIBUTE, type NameValue, parseMode } from "./cat.js";
import { carriedTexts, parseCarried } from "./cat-carried.js";

/** CRYPTCAT_ATTR: authenticated | plain text | name in ASCII, what every producer writes. */
export const PLAIN_ATTRIBUTE_FLAGS = 0x10010001;

export interface CatalogFacts {
	/** What the catalog vouches for; with `sequence` it decides freshness. Absent in catalogs of other producers. */
	readonly product?: string;
	/** Grows with every release of the product. */
	readonly sequence?: number;
	/** Whether POSIX modes were recorded. Members without a mode of their own then have DEFAULT_MODE. */
	readonly modes: "posix" | "none";
	/** `follow-outside`: links that leave the tree were followed too. */
	readonly links: "record" | (typeof LINK_RULES)[number];
	/** Whether names that differ only by case were let in. */
	readonly caseCollisions: "refuse" | "allow";
	/** Patterns in .gitignore's syntax whose matches are not reported as added. */
	readonly ignore: readonly string[];
	/** Globs outside of which nothing is reported as added; empty for no such rule. */
	readonly include: readonly string[];
	/** `root`: all of it; `listed`: only the named files; else the paths that were given, relative to the root. */
	readonly scope: "root" | "listed" | readonly string[];
	/** Zero-length files by entry path, with their mode or -1. */
	readonly emptyFiles: ReadonlyMap<string, number>;
	/** Targets of symbolic links by entry path, as readlink(2) gives them. */
	readonly symbolicLinks: ReadonlyMap<string, string>;
	/**
	 * There when the catalog carries extended attributes of files: those of zero-length files, by entry path. Those of
	 * other files stand with their members.
	 */
	readonly carried?: ReadonlyMap<string, readonly CarriedAttribute[]>;
}

/** The mode that is not written with a member. */
export const DEFAULT_MODE = 0o644;
const FORMAT_VERSION = "1";

/** True for a catalog that sigtool wrote, judged by its attributes alone. */
export function isSigtoolCatalog(attributes: readonly NameValue[]): boolean {
	return attributes.some(({ name }) => name === "SigtoolVersion");
}

/** Facts that are entries: links and zero-length files, which have no digest and so are no members. */
export function entryFacts(manifest: Manifest): Pick<CatalogFacts, "emptyFiles" | "symbolicLinks" | "carried"> {
	const emptyFiles = new Map<string, number>();
	const symbolicLinks = new Map<string, string>();
	for (let index = 0; index < manifest.count; index++) {
		if (manifest.sizes[index] > 0) continue;
		const target = manifest.linkTargets.get(index);
		if (target !== undefined) symbolicLinks.set(entryPathAt(manifest, index), target);
		else emptyFiles.set(entryPathAt(manifest, index), manifest.modes[index]);
	}
	if (manifest.carried === undefined || manifest.carried.size === 0) return { emptyFiles, symbolicLinks };
	const carried = new Map<string, readonly CarriedAttribute[]>();
	for (const [index, attributes] of manifest.carried) {
		if (manifest.sizes[index] === 0) carried.set(entryPathAt(manifest, index), attributes);
	}
	return { emptyFiles, symbolicLinks, carried };
}

/** Attributes in a fixed order, so that equal facts give equal octets. */
export function encodeFacts(facts: CatalogFacts): NameValue[] {
	const attributes: NameValue[] = [];
	const add = (name: string, value: string) => attributes.push({ name, flags: PLAIN_ATTRIBUTE_FLAGS, value });
	for (const path of facts.emptyFiles.keys()) add("FilePath", path.replaceAll("/", "\\"));
	add("SigtoolVersion", FORMAT_VERSION);
	if (facts.product !== undefined) add("SigtoolProduct", facts.product);
	if (facts.sequence !== undefined) add("SigtoolSequence", String(facts.sequence));
	if (facts.modes === "posix") add("SigtoolModes", "posix");
	if (facts.links !== "record") add("SigtoolLinks", facts.links);
	if (facts.caseCollisions === "allow") add("SigtoolCaseCollisions", "allow");
	if (facts.carried !== undefined) add("SigtoolCarries", "attributes");
	if (facts.scope === "listed") add("SigtoolListed", "true");
	else if (facts.scope !== "root") for (const path of facts.scope) add("SigtoolScope", path);
	for (const pattern of facts.ignore) add("SigtoolIgnore", pattern);
	for (const pattern of facts.include) add("SigtoolInclude", pattern);
	for (const [path, target] of facts.symbolicLinks) add("SigtoolLink", JSON.stringify([path, target]));
	for (const [path, mode] of facts.emptyFiles) {
		if (mode !== -1 && mode !== DEFAULT_MODE) add("SigtoolMode", JSON.stringify([path, mode.toString(8)]));
	}
	for (const [path, carried] of facts.carried ?? []) {
		for (const text of carriedTexts(carried, path)) add(CARRIED_ATTRIBUTE, JSON.stringify([path, text]));
	}
	return attributes;
}

/** @throws ERR_CATALOG_FORMAT for a repeated or malformed fact, or a version from the future. */
export function parseFacts(attributes: readonly NameValue[]): CatalogFacts {
	const once = new Map<string, string>();
	const emptyFiles = new Map<string, number>();
	const symbolicLinks = new Map<string, string>();
	const modes = new Map<string, number>();
	const carriedByPath = new Map<string, string[]>();
	const lists = { SigtoolIgnore: [] as string[], SigtoolInclude: [] as string[], SigtoolScope: [] as string[] };
	for (const { name, value } of attributes) {
		if (name === "FilePath") addOnce(emptyFiles, value.replaceAll("\\", "/"), -1, "zero-length file");
		else if (name === "SigtoolLink") {
			const [path, target] = parsePair(value);
			addOnce(symbolicLinks, path, target, "link");
		} else if (name === "SigtoolMode") {
			const [path, mode] = parsePair(value);
			addOnce(modes, path, parseMode(mode), "mode");
		} else if (name === CARRIED_ATTRIBUTE) {
			const [path, text] = parsePair(value);
			const texts = carriedByPath.get(path);
			if (texts === undefined) carriedByPath.set(path, [text]);
			else texts.push(text);
		} else if (name === "SigtoolIgnore" || name === "SigtoolInclude" || name === "SigtoolScope")
			lists[name].push(value);
		else if (name.startsWith("Sigtool")) addOnce(once, name, value, "attribute");
	}
	checkFacts(attributes, once);
	const recordsModes = once.has("SigtoolModes");
	const listed = once.has("SigtoolListed");
	if (listed && lists.SigtoolScope.length > 0) refuse("a list of files and a scope at once");
	for (const path of modes.keys()) if (!emptyFiles.has(path)) refuse(`a mode of ${quote(path)}, which is no entry`);
	const carries = once.has("SigtoolCarries");
	for (const path of carriedByPath.keys()) {
		if (!carries || !emptyFiles.has(path)) refuse(`attributes of ${quote(path)}, which is no entry that may have them`);
	}
	for (const path of emptyFiles.keys()) if (recordsModes) emptyFiles.set(path, modes.get(path) ?? DEFAULT_MODE);
	return {
		product: once.get("SigtoolProduct"),
		sequence: parseSequence(once.get("SigtoolSequence")),
		modes: recordsModes ? "posix" : "none",
		links: LINK_RULES.find((rule) => rule === once.get("SigtoolLinks")) ?? "record",
		caseCollisions: once.has("SigtoolCaseCollisions") ? "allow" : "refuse",
		ignore: lists.SigtoolIgnore,
		include: lists.SigtoolInclude,
		scope: listed ? "listed" : lists.SigtoolScope.length > 0 ? lists.SigtoolScope : "root",
		emptyFiles,
		symbolicLinks,
		...(carries ? { carried: new Map(Array.from(carriedByPath, parseCarriedOf)) } : {}),
	};
}

function parseCarriedOf([path, texts]: readonly [string, readonly string[]]): [string, readonly CarriedAttribute[]] {
	return [path, parseCarried(texts, path)];
}

/** Facts that are not free text, and the only values they may have. */
const LINK_RULES = ["follow", "follow-outside"] as const;
const EXACT_VALUES: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
	["SigtoolVersion", [FORMAT_VERSION]],
	["SigtoolModes", ["posix"]],
	["SigtoolLinks", LINK_RULES],
	["SigtoolCaseCollisions", ["allow"]],
	["SigtoolCarries", ["attributes"]],
	["SigtoolListed", ["true"]],
]);
const FREE_TEXT = new Set(["SigtoolProduct", "SigtoolSequence"]);

/** Every fact is one of this format, has a value it may have, and stands in a catalog that names the format. */
function checkFacts(attributes: readonly NameValue[], once: ReadonlyMap<string, string>): void {
	const version = once.get("SigtoolVersion");
	if (version !== undefined && version !== FORMAT_VERSION) {
		refuse(`it was written by a newer sigtool (format ${quote(version)}); update sigtool`);
	}
	if (version === undefined && attributes.some(({ name }) => name.startsWith("Sigtool"))) {
		refuse("sigtool's attributes without its version");
	}
	for (const [name, value] of once) {
		if (FREE_TEXT.has(name) || EXACT_VALUES.get(name)?.includes(value) === true) continue;
		refuse(`attribute ${quote(name)} with value ${quote(value)}`);
	}
}

function parseSequence(text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const sequence = Number(text);
	if (!/^(0|[1-9]\d{0,15})$/.test(text) || !Number.isSafeInteger(sequence)) refuse("the sequence is not a number");
	return sequence;
}

/** A JSON array of two strings, in exactly the form JSON.stringify gives it. */
function parsePair(text: string): [string, string] {
	let pair: unknown;
	try {
		pair = JSON.parse(text);
	} catch {
		pair = undefined;
	}
	if (!Array.isArray(pair) || pair.length !== 2 || JSON.stringify(pair) !== text) refuse("a malformed pair of strings");
	const [first, second]: unknown[] = pair;
	if (typeof first !== "string" || typeof second !== "string") return refuse("a malformed pair of strings");
	return [first, second];
}

function addOnce<Value>(map: Map<string, Value>, key: string, value: Value, what: string): void {
	if (map.has(key)) refuse(`a repeated ${what} ${quote(key)}`);
	map.set(key, value);
}

function refuse(reason: string): never {
	throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot read catalog: ${reason}`);
}
