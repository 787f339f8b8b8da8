/** Asks the registry whether it has the packages of this version with the bytes that a release has. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { placeOfTarball } from "./npm-tarballs.mjs";
import { publicPackages } from "./workspace.mjs";

/**
 * Prints a line for each package. Returns 0 if the registry has all of them with the bytes of the release in `folder`,
 * else 1. A package of the same name and version can be another's, so only its digest tells.
 */
export function checkRegistry(folder) {
	const lines = publicPackages().map(({ manifest }) => {
		const { name, version } = manifest;
		const { status, stdout } = spawnSync("npm", ["view", `${name}@${version}`, "dist.integrity"], { encoding: "utf8" });
		return { package: `${name}@${version}`, answer: answerFor(status === 0 ? stdout.trim() : "", folder, manifest) };
	});
	for (const { package: name, answer } of lines) console.log(`${name}  ${answer}`);
	const missing = lines.filter(({ answer }) => answer !== SAME).length;
	if (missing > 0)
		console.log(`${missing} of ${lines.length} are not published: install from what \`pnpm release\` made`);
	return missing === 0 ? 0 : 1;
}

const SAME = "published, as in the release";

function answerFor(integrity, folder, manifest) {
	if (integrity === "") return "not published";
	const tarball = placeOfTarball(folder, manifest);
	if (!existsSync(tarball)) return `not compared: ${tarball} is missing; make the release first`;
	const digest = createHash("sha512").update(readFileSync(tarball)).digest("base64");
	return integrity === `sha512-${digest}` ? SAME : `ANOTHER PACKAGE: the registry has ${integrity}`;
}
