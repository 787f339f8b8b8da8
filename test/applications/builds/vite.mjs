/** Builds a small site into the directory that the first argument names, and prints the digests of its files. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import config from "./site/vite.config.mjs";

const root = fileURLToPath(new URL("site", import.meta.url));
const outDir = join(process.argv[2], "site");
// Told to load a configuration itself, vite would write it anew into a file that no signature covers.
await build({ ...config, root, configFile: false, build: { ...config.build, outDir, emptyOutDir: true } });
for (const file of readdirSync(outDir, { recursive: true }).sort()) {
	if (!/\.\w+$/.test(file)) continue;
	const digest = createHash("sha256")
		.update(readFileSync(join(outDir, file)))
		.digest("hex");
	process.stdout.write(`${file} ${digest}\n`);
}
