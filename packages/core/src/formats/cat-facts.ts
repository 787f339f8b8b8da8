/**
 * Encodes and parses the facts that sigtool records in a catalog beside the members, as NameValue attributes of the
 * list.
 *
 * The name `FilePath` comes from PowerShell, whose New-FileCatalog lists zero-length files with it. Names that begin
 * with `Sigtool` belong to sigtool. Windows skips them. docs/reference/catalog-format.md describes each name. Facts are evidence
 * only in a verified catalog. They are always parsed strictly, so that no two readers can understand them differently.
 */

import { quote } from "../errors.js";
import { type CarriedAttribute, entryPathAt, type Manifest } from "../fileset/manifest.js";
import { rulesProblem } from "../fileset/select/selection.js";
import { carriedTexts, parseCarried } from "./cat-carried.js";
import { CARRIED_ATTRIBUTE, type NameValue } from "./cat-model.js";
import { parseMode, refuse } from "./cat-values.js";

/** The CRYPTCAT_ATTR flags that all known producers write: authenticated, plain text, name in ASCII. */
export const PLAIN_ATTRIBUTE_FLAGS = 0x10010001;

/** The facts that sigtool signs beside the digests of files. */
export interface CatalogFacts {
	/**
	 * The product that the catalog is for. The product and its `sequence` decide if the catalog is outdated. Catalogs
	 * of other producers have neither.
	 */
	readonly product?: string;
	/** A number that grows with every release of the product. */
	readonly sequence?: number;
	/** The value `posix` means that modes were recorded. In this case members without a mode have DEFAULT_MODE. */
	readonly modes: "posix" | "none";
	/** The value `follow-outside` means that links that leave the tree were followed too. */
	readonly links: "record" | "follow" | "follow-outside";
	/** The value `allow` accepts names that differ only by case. */
	readonly caseCollisions: "refuse" | "allow";
	/** Patterns in the syntax of .gitignore. Files that match are not reported as added. */
	readonly ignore: readonly string[];
	/** Globs. If there are any globs, files that match none of them are not reported as added. */
	readonly include: readonly string[];
	/**
	 * The value `root` stands for the whole tree, `listed` for the members alone, and an array for the given paths,
	 * which are relative to the root.
	 */
	readonly scope: "root" | "listed" | readonly string[];
	/** The zero-length files by entry path, each with its mode, or with -1 if no mode was recorded. */
	readonly emptyFiles: ReadonlyMap<string, number>;
	/** The targets of symbolic links by entry path, "/"-separated and otherwise as readlink(2) gives them. */
	readonly symbolicLinks: ReadonlyMap<string, string>;
	/**
	 * The carried attributes of zero-length files, by entry path. Attributes of other files are in their members. It
	 * is absent if the catalog carries no attributes of any file.
	 */
	readonly carried?: ReadonlyMap<string, readonly CarriedAttribute[]>;
}

/**
 * The encoder does not write this mode. If a catalog records modes, a reader assumes this mode for each member without
 * a mode.
 */
export const DEFAULT_MODE = 0o644;
const FORMAT_VERSION = "1";

/** Returns true if the attributes are those of a catalog that sigtool wrote. */
export function isSigtoolCatalog(attributes: readonly NameValue[]): boolean {
	return attributes.some(({ name }) => name === "SigtoolVersion");
}

/** Returns the entries that are facts and not members, because they have no digest: links and zero-length files. */
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

/** Returns the attributes in a fixed order, so that equal facts give equal bytes. */
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

/** @throws ERR_CATALOG_FORMAT for a repeated or malformed fact, or a newer version of the format. */
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
	const scope = lists.SigtoolScope;
	const problem = rulesProblem({ ignore: lists.SigtoolIgnore, include: lists.SigtoolInclude, scope });
	if (problem !== undefined) refuse(problem);
	const recordsModes = once.has("SigtoolModes");
	const listed = once.has("SigtoolListed");
	if (listed && scope.length > 0) refuse("a list of files and a scope at once");
	for (const path of modes.keys())
		if (!emptyFiles.has(path)) refuse(`a mode of ${quote(path)}, which is no zero-length file`);
	const carries = once.has("SigtoolCarries");
	for (const path of carriedByPath.keys()) {
		if (!carries) refuse(`attributes of ${quote(path)} without SigtoolCarries`);
		if (!emptyFiles.has(path)) refuse(`attributes of ${quote(path)}, which is no zero-length file`);
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
		scope: listed ? "listed" : scope.length > 0 ? scope : "root",
		emptyFiles,
		symbolicLinks,
		...(carries ? { carried: new Map(Array.from(carriedByPath, parseCarriedOf)) } : {}),
	};
}

function parseCarriedOf([path, texts]: readonly [string, readonly string[]]): [string, readonly CarriedAttribute[]] {
	return [path, parseCarried(texts, path)];
}

const LINK_RULES = ["follow", "follow-outside"] as const;
/** The allowed values of each fact that is not free text. */
const EXACT_VALUES: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
	["SigtoolVersion", [FORMAT_VERSION]],
	["SigtoolModes", ["posix"]],
	["SigtoolLinks", LINK_RULES],
	["SigtoolCaseCollisions", ["allow"]],
	["SigtoolCarries", ["attributes"]],
	["SigtoolListed", ["true"]],
]);
const FREE_TEXT = new Set(["SigtoolProduct", "SigtoolSequence"]);

/** Requires that every fact belongs to this format and has an allowed value, and that the catalog names the format. */
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

/** Parses a JSON array of two strings, which must be written exactly as JSON.stringify() writes it. */
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
