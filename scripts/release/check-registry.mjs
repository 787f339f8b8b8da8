/** Asks the registry whether it has the packages of this version with the bytes that a release has. */

import { spawnSync } from "node:child_process";
import { publicPackages } from "./workspace.mjs";

/** Prints a line for each package. Returns 0 if the registry has all of them in this version, else 1. */
export async function checkRegistry() {
	const lines = publicPackages().map(({ manifest: { name, version } }) => {
		const { status, stdout } = spawnSync("npm", ["view", `${name}@${version}`, "dist.integrity"], { encoding: "utf8" });
		const integrity = status === 0 ? stdout.trim() : "";
		return { text: `${name}@${version}  ${integrity === "" ? "not published" : integrity}`, found: integrity !== "" };
	});
	for (const { text } of lines) console.log(text);
	const missing = lines.filter(({ found }) => !found).length;
	if (missing > 0)
		console.log(`${missing} of ${lines.length} are not published: install from what \`pnpm release\` made`);
	return missing === 0 ? 0 : 1;
}
