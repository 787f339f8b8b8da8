import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BUILD = fileURLToPath(new URL("../native-all.mjs", import.meta.url));

/**
 * Builds the native parts for a processor into a folder, so that they are those of this commit. Returns a function from
 * the name of a part to its path.
 */
export function nativeParts(arch, folder) {
	const target = `linux-${arch}`;
	execFileSync(process.execPath, [BUILD, target, "--out", folder], { stdio: ["ignore", "ignore", "inherit"] });
	return (name) => join(folder, target, name);
}
