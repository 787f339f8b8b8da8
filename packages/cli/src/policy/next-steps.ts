/** Writes the commands that lead from a learned policy to a trust index. A person copies them into a shell. */

import { dirname, join, resolve } from "node:path";
import { COMMAND, quote, shell } from "@sigtool/core/internal/errors";
import { hasUsualName, isBelow, type Tree } from "./signing-groups.js";

/** Returns a place for the index: the working directory, unless the index would become a file of a signed directory. */
export function placeOfIndex(trees: readonly Tree[]): string {
	const around = trees.find(({ directory }) => isWithin(process.cwd(), directory));
	return around === undefined ? INDEX : join(dirname(around.directory), INDEX);
}

const INDEX = "app.sigx";

/** Returns a warning for each file that changes later and lies in a directory that is to be signed. */
export function strayFiles(files: readonly string[], trees: readonly Tree[]): string[] {
	return files.flatMap((file) => {
		const around = trees.find(({ way, directory }) => way === "sign" && isWithin(resolve(file), directory));
		if (around === undefined) return [];
		return `${quote(file)} lies in ${quote(around.directory)}, which is to be signed: move it elsewhere first`;
	});
}

function isWithin(path: string, directory: string): boolean {
	return path === directory || isBelow(path, directory);
}

/** Returns the command that signs a directory as the product that the rules of the policy name. */
export function signCommand(tree: Tree): string {
	if (hasUsualName(tree)) return shell`${COMMAND} sign ${tree.directory}`;
	return shell`${COMMAND} sign ${tree.directory} --product ${tree.product}`;
}

/** Returns the command that compiles the directories. It accepts signatures of this machine's development identity. */
export function compileCommand(trees: readonly Tree[], policy: string, index: string): string {
	const named = trees.map(({ way, directory }) =>
		way === "adopt" ? shell`--adopt ${directory}` : shell`${directory}`,
	);
	const options = shell`--policy ${policy} -o ${index} --allow-development`;
	return [COMMAND, "compile", ...named, options].join(" ");
}

export function testCommand(logs: readonly string[], policy: string, index: string): string {
	return shell`${COMMAND} policy test ${logs} --policy ${policy} --index ${index}`;
}
