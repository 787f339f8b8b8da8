/**
 * Lets a caller create files, such as compiled code, before a tree is hashed. These files are then signed with the
 * others.
 */

import { quote, SigtoolError } from "../errors.js";
import { createSelection, type Selection, type SelectionRules } from "../fileset/select/selection.js";
import { listFiles } from "../fileset/walk/list-files.js";

/**
 * A function that may write and remove files below `root`, the directory that entry paths are relative to. `files` are
 * the entry paths of the files that would be signed without it.
 * @returns the entry paths of files that must be signed with the others
 */
export type Prepare = (root: string, files: readonly string[]) => readonly string[];

/**
 * Calls `prepare` and then makes the selection, because `prepare` may have written files.
 * @throws ERR_USAGE if a rule or a list of files leaves out a file that `prepare` returned; the errors of
 * `createSelection`
 */
export function prepareSelection(
	root: string,
	rules: SelectionRules,
	{ prepare, files }: { readonly prepare?: Prepare; readonly files?: readonly string[] },
): Selection {
	const select = () => createSelection({ ...rules, scope: rules.scope === "listed" ? "root" : rules.scope });
	const prepared = prepare?.(root, files ?? listFiles(root, select().excludes)) ?? [];
	const selection = select();
	const leftOut = prepared.find((path) => rules.scope === "listed" || isLeftOut(path, selection));
	if (leftOut === undefined) return selection;
	const message = `Cannot sign ${quote(leftOut)}: it was compiled to be signed, but an option or ignore rule leaves it out`;
	throw new SigtoolError("ERR_USAGE", message, { path: leftOut });
}

function isLeftOut(path: string, { excludes }: Selection): boolean {
	const steps = path.split("/");
	const above = steps.slice(1).map((_, index) => steps.slice(0, index + 1).join("/"));
	return above.some((each) => excludes?.(each, "directory")) || excludes?.(path, "file") === true;
}
