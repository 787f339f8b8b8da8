/** Makes a page of the documentation from a table in TypeScript whose groups are comments between its lines. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Maps each group to the names of the table in it, in their order. `line` matches a line with a group or a name. */
export function groupsOf(source, line, table) {
	const groups = new Map();
	let names = [];
	for (const [, group, name] of readFileSync(join(root, source), "utf8").matchAll(line)) {
		if (name !== undefined) names.push(name);
		else {
			names = [];
			groups.set(group, names);
		}
	}
	const found = [...groups.values()].flat();
	if (found.join() !== Object.keys(table).join())
		throw new Error(`Cannot read the groups of ${source}: not one name a line`);
	return groups;
}

/** Writes the page. With `--check`, writes nothing, and fails if the page is stale. */
export function writePage(page, text, source, command) {
	const path = join(root, page);
	if (!process.argv.includes("--check")) writeFileSync(path, text);
	else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
		console.error(`${page} is older than ${source}: run \`pnpm ${command}\` and commit it`);
		process.exitCode = 1;
	}
}
