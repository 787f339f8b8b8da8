/** Asks the registry whether it has the packages of this version with the bytes that a release has. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { placeOfTarball } from "./npm-tarballs.mjs";
import { publicPackages } from "./workspace.mjs";

const SAME = "published, as in the release";

/**
 * Prints a line for each package. Returns 0 if the registry has all of them with the bytes of the release in `folder`, 1
 * if not, 3 if the registry gave another answer, or none. A package of the same name and version can be another's, so
 * only its digest tells.
 */
export function checkRegistry(folder) {
	const answers = publicPackages().map(({ manifest }) => ask(manifest, folder));
	for (const { text } of answers) console.log(text);
	const missing = answers.filter(({ status }) => status === 1).length;
	if (missing > 0)
		console.log(`${missing} of ${answers.length} are not published: install from what \`pnpm release\` made`);
	return Math.max(...answers.map(({ status }) => status));
}

function ask(manifest, folder) {
	const package_ = `${manifest.name}@${manifest.version}`;
	const limits = ["--fetch-retries=0", "--fetch-timeout=10000"];
	const { status, stdout } = spawnSync("npm", ["view", package_, "dist.integrity", "--json", ...limits], {
		encoding: "utf8",
	});
	const answer = parsed(stdout);
	// npm prints nothing for a version that a known package does not have.
	if (answer?.error?.code === "E404" || (status === 0 && answer === undefined))
		return { text: `${package_}  not published`, status: 1 };
	if (status !== 0 || typeof answer !== "string")
		return { text: `${package_}  the registry cannot be asked (${answer?.error?.code ?? "no answer"})`, status: 3 };
	const said = comparison(answer, folder, manifest);
	return { text: `${package_}  ${said}`, status: said === SAME ? 0 : 1 };
}

function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

function comparison(integrity, folder, manifest) {
	const tarball = placeOfTarball(folder, manifest);
	if (!existsSync(tarball)) return `not compared: ${tarball} is missing; make the release first`;
	const digest = createHash("sha512").update(readFileSync(tarball)).digest("base64");
	return integrity === `sha512-${digest}` ? SAME : `ANOTHER PACKAGE: the registry has ${integrity}`;
}
