/**
 * Writes the completions and manual pages into packages/cli/dist, where the command and its npm package have them. A file
 * is written only if its content differs.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandTree } from "./command-tree.mjs";
import { completions } from "./completions.mjs";
import { manPages } from "./man-pages.mjs";

const cli = fileURLToPath(new URL("../../packages/cli", import.meta.url));
const { version } = JSON.parse(readFileSync(join(cli, "package.json"), "utf8"));
const tree = await commandTree();

writeFolder("completion", completions(tree, ["sigtool", "sigtree"]));
// A package of a distribution may have no page of this name, because other packages have one too.
writeFolder("man", new Map([...manPages(tree, version), ["sigtool.1", ".so man1/sigtree.1\n"]]));

function writeFolder(name, texts) {
	const folder = join(cli, "dist", name);
	mkdirSync(folder, { recursive: true });
	for (const file of readdirSync(folder)) if (!texts.has(file)) rmSync(join(folder, file));
	for (const [file, text] of texts) writeIfChanged(join(folder, file), text);
}

function writeIfChanged(file, text) {
	mkdirSync(dirname(file), { recursive: true });
	if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
}
