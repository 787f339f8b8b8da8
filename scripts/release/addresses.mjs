/**
 * Writes the addresses of release.json into the documents that name one, between the comments `<!-- NAME: from
 * release.json -->` and `<!-- end -->`. An address that does not exist yet is said to be missing.
 *
 * Usage: `node scripts/release/addresses.mjs [--check]`. With --check nothing is written, and the exit status is 1 if a
 * document is stale.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { releaseFacts, root } from "./workspace.mjs";

const FILES = ["README.md", "SECURITY.md", "docs/how-to/release.md"];

const { repository, bugs, homepage, security, registry } = releaseFacts();
const TEXTS = {
	security:
		security === null
			? "The project is not published, so there is no address for reports yet. Write to the person from whom you have your copy."
			: `Write to ${security}.`,
	bugs: bugs === null ? "There is no public list of bugs yet." : `Bugs are at <${bugs}>.`,
	published: [
		registry === null
			? "**Nothing is published yet.** No registry has these packages under a name that we own, so install none of that name from a registry."
			: `The packages are at <${registry}>.`,
		...(homepage === null ? [] : [`The home page is <${homepage}>.`]),
		...(repository === null ? [] : [`The repository is <${repository}>.`]),
	].join(" "),
};

const REGION = /(<!-- (\w+): from release\.json -->\n)[\s\S]*?(<!-- end -->)/g;
let stale = 0;
for (const file of FILES) {
	const path = join(root, file);
	const text = readFileSync(path, "utf8");
	const written = text.replace(REGION, (_, begin, name, end) => {
		if (TEXTS[name] === undefined) throw new Error(`Cannot fill ${file}: release.json has nothing for "${name}"`);
		return `${begin}${TEXTS[name]}\n${end}`;
	});
	if (written === text) continue;
	stale++;
	if (process.argv.includes("--check")) console.error(`${file} is stale: run pnpm generate`);
	else writeFileSync(path, written);
}
if (process.argv.includes("--check") && stale > 0) process.exitCode = 1;
