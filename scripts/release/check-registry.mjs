/** Asks the registry whether it has the packages of this version. */

import { spawnSync } from "node:child_process";
import { publicPackages } from "./workspace.mjs";

/**
 * Prints a line for each package, with the digest of its tarball in the registry. Returns 0 if the registry has all of
 * them in this version, 1 if one is missing, 3 if the registry gave another answer, or none.
 */
export async function checkRegistry() {
	const answers = publicPackages().map(({ manifest: { name, version } }) => ask(`${name}@${version}`));
	for (const { text } of answers) console.log(text);
	const missing = answers.filter(({ status }) => status === 1).length;
	if (missing > 0)
		console.log(`${missing} of ${answers.length} are not published: install from what \`pnpm release\` made`);
	return Math.max(...answers.map(({ status }) => status));
}

function ask(package_) {
	const limits = ["--fetch-retries=0", "--fetch-timeout=10000"];
	const { status, stdout } = spawnSync("npm", ["view", package_, "dist.integrity", "--json", ...limits], {
		encoding: "utf8",
	});
	const answer = parsed(stdout);
	if (status === 0 && typeof answer === "string") return { text: `${package_}  ${answer}`, status: 0 };
	// npm prints nothing for a version that a known package does not have.
	const isMissing = answer?.error?.code === "E404" || (status === 0 && answer === undefined);
	if (isMissing) return { text: `${package_}  not published`, status: 1 };
	return { text: `${package_}  the registry cannot be asked (${answer?.error?.code ?? "no answer"})`, status: 3 };
}

function parsed(text) {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
