/**
 * Compares an unsigned catalog with the previous release, for a person who has to decide whether to sign the catalog.
 */

import { quote, SigtoolError } from "../errors.js";
import { diffSignedSets, type SignedSetDiff } from "../fileset/diff.js";
import type { CatalogFacts } from "../formats/cat-facts.js";
import { parseSignedData } from "../pki/cms.js";
import { parseCatalogFile } from "../verify/catalog-file.js";
import { readList, type UnsignedCatalog } from "./finish.js";

export interface ChangesOptions {
	/** `newer` refuses a catalog that is not a newer release of the same product under the same rules. Default `any`. */
	readonly require?: "any" | "newer";
}

export interface ChangesSince {
	/** The facts of the earlier catalog. */
	readonly facts: CatalogFacts;
	readonly diff: SignedSetDiff;
	/** The reasons why the catalog is not a newer release of the same product under the same rules, as texts for the user. */
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
		doubts.push(`the sequence does not grow: the previous catalog has ${previous.sequence ?? "none"}`);
	}
	if (rulesText(previous) !== rulesText(facts)) {
		doubts.push(`the rules differ from the previous catalog's: ${rulesText(previous)}`);
	}
	return doubts;
}

/** Describes the rules that decide which entries `verify` looks at, and how. */
function rulesText({ ignore, include, scope, links, modes }: CatalogFacts): string {
	return [
		...ignore.map((pattern) => `ignore ${quote(pattern)}`),
		...include.map((glob) => `include ${quote(glob)}`),
		`scope ${typeof scope === "string" ? scope : scope.map(quote).join(" ")}`,
		`links ${links}`,
		`modes ${modes}`,
	].join(", ");
}
