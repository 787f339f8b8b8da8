/**
 * Writes the completions and manual pages into packages/cli/dist, where the command and its npm package have them.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFolder } from "../write-folder.mjs";
import { commandTree } from "./command-tree.mjs";
import { completions } from "./completions.mjs";
import { manPages } from "./man-pages.mjs";

const cli = fileURLToPath(new URL("../../packages/cli", import.meta.url));
const { version } = JSON.parse(readFileSync(join(cli, "package.json"), "utf8"));
const tree = await commandTree();

writeFolder(join(cli, "dist/completion"), completions(tree, ["sigtool", "sigtree"]));
// A package of a distribution may have no page of this name, because other packages have one too.
writeFolder(join(cli, "dist/man"), new Map([...manPages(tree, version), ["sigtool.1", ".so man1/sigtree.1\n"]]));
