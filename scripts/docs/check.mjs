/**
 * Refuses a page that is on no list, and a link of a document that leads to no file or no heading.
 *
 * Usage: `node scripts/docs/check.mjs [FOLDER]`; by default the repository. The exit status is 1 if something is wrong.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { linkFaults } from "./links.mjs";
import { listFaults, root } from "./pages.mjs";

const folder = process.argv[2] ?? root;
const listed = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], {
	cwd: folder,
	encoding: "utf8",
});
const read = (path) => readFileSync(path, "utf8");
// A file that was removed is still listed until the removal is committed.
const documents = listed.stdout.split("\0").filter((name) => name !== "" && existsSync(join(folder, name)));
const faults = [
	...listFaults(folder),
	...documents.flatMap((name) => linkFaults(read(join(folder, name)), name, folder, read)),
];
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
