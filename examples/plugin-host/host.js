/** Runs each plugin on a text. A plugin is CommonJS. It may require files beside it, which are verified in the same way. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileFunction } from "node:vm";
import { createVerifier } from "@sigtool/verifier";

const directory = fileURLToPath(new URL("plugins", import.meta.url));
const verifier = createVerifier({ catalogs: [{ directory, product: "plugins" }], development: "allow" });
const loaded = new Map();

const text = process.argv.slice(2).join(" ");
const names = readdirSync(directory).filter((name) => name.endsWith(".cjs"));
for (const name of names.sort()) console.log(`${name}: ${load(name)(text)}`);

/** Returns a plugin's exports. Compiles the bytes that were verified, and does not read the path again. */
function load(name) {
	const file = join(directory, name);
	if (loaded.has(file)) return loaded.get(file).exports;
	const module = { exports: {} };
	loaded.set(file, module);
	const source = Buffer.from(verifier.openCodeSync(file)).toString();
	compileFunction(source, ["module", "exports", "require"], { filename: file })(module, module.exports, load);
	return module.exports;
}
