/**
 * Compares an unsigned catalog with the previous release, for a person who has to decide whether to sign the catalog.
 */

import { quote, SigtoolError } from "../errors.js";
import { diffSignedSets, type SignedSetDiff } from "../fileset/compare/diff.js";
import type { CatalogFacts } from "../formats/cat-facts.js";
import { parseSignedData } from "../pki/cms.js";
import { parseCatalogFile } from "../verify/catalog-file.js";
import { readList, type UnsignedCatalog } from "./finish.js";

export interface ChangesOptions {
	/**
	 * With `newer`, the catalog must have the product and the rules of the earlier catalog, and a higher sequence.
	 * Otherwise `changesSince` throws ERR_NOT_NEWER. The default `any` accepts every catalog.
	 */
	readonly require?: "any" | "newer";
}

export interface ChangesSince {
	/** The facts of the earlier catalog. */
	readonly facts: CatalogFacts;
	readonly diff: SignedSetDiff;
	/** The reasons why `newer` would refuse the catalog, as texts for the user. */
	readonly doubts: readonly string[];
}

/**
 * Returns the changes since an earlier catalog, whose signature is not verified.
 * @throws ERR_NOT_NEWER, ERR_CATALOG_FORMAT, ERR_DER, ERR_CMS_FORMAT, ERR_PATH_*, ERR_IO
 */
export function changesSince(
	previousFile: string,
	catalog: UnsignedCatalog,
	{ require = "any" }: ChangesOptions = {},
): ChangesSince {
	const previous = parseCatalogFile(previousFile, (bytes) => {
		const { contentType, content } = parseSignedData(bytes, "catalog");
		return readList(contentType, content, previousFile);
	});
	const doubts = doubtsAbout(previous.facts, catalog.facts);
	if (require === "newer" && doubts.length > 0) {
		const message = `Cannot sign ${quote(catalog.file)}: it is no newer release than ${quote(previousFile)}: ${doubts.join("; ")}`;
		throw new SigtoolError("ERR_NOT_NEWER", message, { path: catalog.file });
	}
	return { facts: previous.facts, diff: diffSignedSets(previous.entries, catalog.entries), doubts };
}

function doubtsAbout(previous: CatalogFacts, facts: CatalogFacts): string[] {
	const doubts: string[] = [];
	if (previous.product !== facts.product) {
		doubts.push(`the previous catalog is of product ${quote(previous.product ?? "(none)")}`);
	}
	if ((previous.sequence ?? -1) >= (facts.sequence ?? -1)) {
		const [before, now] = [previous.sequence ?? "none", facts.sequence ?? "none"];
		doubts.push(`the sequence does not grow: the previous catalog has ${before}, this one ${now}`);
	}
	const differences = ruleDifferences(previous, facts);
	if (differences.length > 0) {
		const more = differences.length - MAX_SHOWN;
		const shown = differences.slice(0, MAX_SHOWN).join(", ");
		doubts.push(`the rules differ: ${shown}${more > 0 ? ` and ${more} more` : ""}`);
	}
	return doubts;
}

/**
 * Describes each difference of the rules that decide which entries `verify` compares, and if it compares links and
 * modes.
 */
function ruleDifferences(previous: CatalogFacts, facts: CatalogFacts): string[] {
	return [
		...listDifferences("ignore", previous.ignore, facts.ignore),
		...listDifferences("include", previous.include, facts.include),
		...valueDifference("scope", scopeText(previous), scopeText(facts)),
		...valueDifference("links", previous.links, facts.links),
		...valueDifference("modes", previous.modes, facts.modes),
	];
}

function listDifferences(name: string, before: readonly string[], now: readonly string[]): string[] {
	const [old, current] = [new Set(before), new Set(now)];
	const differences = [
		...now.filter((pattern) => !old.has(pattern)).map((pattern) => `${name} ${quote(pattern)} is new`),
		...before.filter((pattern) => !current.has(pattern)).map((pattern) => `${name} ${quote(pattern)} is gone`),
	];
	const isSame = before.length === now.length && before.every((pattern, index) => pattern === now[index]);
	return differences.length > 0 || isSame ? differences : [`the ${name} rules are in another order or number`];
}

function valueDifference(name: string, before: string, now: string): string[] {
	return before === now ? [] : [`${name} was ${before} and is ${now}`];
}

function scopeText({ scope }: CatalogFacts): string {
	if (typeof scope === "string") return scope;
	const more = scope.length - MAX_SHOWN;
	const shown = scope.slice(0, MAX_SHOWN).map(quote).join(" ");
	return more > 0 ? `${shown} and ${more} more` : shown;
}

/** A message shows at most this many differences of rules, and at most this many paths of a scope. */
const MAX_SHOWN = 5;
