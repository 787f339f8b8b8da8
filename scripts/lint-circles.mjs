/**
 * Finds circles in the imports of each package: files that import themselves through other files. Type-only imports,
 * `import()` and `new URL("./x.js", import.meta.url)` count too. A circle has no lowest file that a reader could read
 * first.
 *
 * Usage: `node scripts/lint-circles.mjs [FOLDER…]`; by default every `packages/*\/src`. The exit status is 1 if there
 * is a circle.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { circlesIn } from "./circles.mjs";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));
const given = process.argv.slice(2);
const folders = given.length > 0 ? given : readdirSync(packages).map((name) => join(packages, name, "src"));

let fileCount = 0;
let circleCount = 0;
for (const folder of folders.filter((each) => existsSync(each))) {
	const graph = importsIn(folder);
	fileCount += graph.size;
	for (const circle of circlesIn(graph)) {
		circleCount++;
		console.error(`circle of imports in ${folder}: ${circle.map((file) => relative(folder, file)).join(" → ")}`);
	}
}
console.log(`${fileCount} files, ${circleCount} circles of imports`);
if (circleCount > 0) process.exitCode = 1;

/** Maps each file to the files of the folder that it imports. */
function importsIn(folder) {
	const files = readdirSync(folder, { recursive: true })
		.filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
		.map((name) => resolve(folder, name));
	const known = new Set(files);
	return new Map(
		files.map((file) => {
			const specifiers = readFileSync(file, "utf8").matchAll(
				/(?:\bfrom|\bimport|\bimport\(|\bnew URL\()\s*"(\.[^"]+)\.js"/g,
			);
			const targets = [...specifiers].map(([, path]) => resolve(dirname(file), `${path}.ts`));
			return [file, targets.filter((target) => known.has(target))];
		}),
	);
}
