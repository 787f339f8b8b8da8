/** What a caller makes of the files that are to be signed, before anything is hashed: compiled code, to be signed with them. */

import { quote, SigtoolError } from "../errors.js";
import { listFiles } from "../fileset/list-files.js";
import { createSelection, type Selection, type SelectionRules } from "../fileset/selection.js";

/**
 * May write and remove files below `root`, the directory that entry paths start from.
 * @returns entry paths that have to be signed with the rest
 */
export type Prepare = (root: string, files: readonly string[]) => readonly string[];

/**
 * Prepares, and then selects: what was written meanwhile counts.
 * @throws ERR_USAGE where something that was made to be signed is left out, and as `createSelection`
 */
export async function prepareSelection(
	root: string,
	rules: SelectionRules,
	{ prepare, files }: { readonly prepare?: Prepare; readonly files?: readonly string[] },
): Promise<Selection> {
	const select = () => createSelection(root, { ...rules, scope: rules.scope === "listed" ? "root" : rules.scope });
	const prepared = prepare?.(root, files ?? listFiles(root, (await select()).excludes)) ?? [];
	const selection = await select();
	const leftOut = prepared.find((path) => rules.scope === "listed" || isLeftOut(path, selection));
	if (leftOut === undefined) return selection;
	const message = `Cannot sign ${quote(leftOut)}: it was made to be signed, and what is to be signed leaves it out`;
	throw new SigtoolError("ERR_USAGE", message, { path: leftOut });
}

function isLeftOut(path: string, { excludes }: Selection): boolean {
	const steps = path.split("/");
	const above = steps.slice(1).map((_, index) => steps.slice(0, index + 1).join("/"));
	return above.some((each) => excludes?.(each, "directory")) || excludes?.(path, "file") === true;
}
