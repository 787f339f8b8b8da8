/** Puts the addresses of release.json, and the manual pages, into the manifest of each package that is packed. */
const { existsSync, readdirSync, readFileSync } = require("node:fs");
const { join, relative } = require("node:path");

/** Changes and returns the manifest of the package in `folder`. An address that does not exist yet adds no field. */
function beforePacking(manifest, folder) {
	const { repository, bugs, homepage, registry } = JSON.parse(readFileSync(join(__dirname, "release.json"), "utf8"));
	const directory = relative(__dirname, folder).replaceAll("\\", "/");
	if (repository !== null) manifest.repository = { type: "git", url: `git+${repository}.git`, directory };
	if (bugs !== null) manifest.bugs = bugs;
	if (homepage !== null) manifest.homepage = homepage;
	const pages = join(folder, "dist/man");
	// npm installs the pages that it finds in this list. The build makes one for each command.
	if (existsSync(pages))
		manifest.man = readdirSync(pages)
			.sort()
			.map((name) => `./dist/man/${name}`);
	// While no registry has these names under an owner that we know, whoever takes one could add code to an installation.
	if (registry === null && process.env.SIGTOOL_PACK_FOR_REGISTRY === undefined) leaveOutNativeParts(manifest);
	return manifest;
}

function leaveOutNativeParts(manifest) {
	const kept = Object.entries(manifest.optionalDependencies ?? {}).filter(
		([name]) => !name.startsWith("@sigtool/native-"),
	);
	manifest.optionalDependencies = kept.length === 0 ? undefined : Object.fromEntries(kept);
}

module.exports = { hooks: { beforePacking } };
