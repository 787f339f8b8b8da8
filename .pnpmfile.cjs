/** Puts the addresses of release.json into the manifest of each package that is packed. */
const { readFileSync } = require("node:fs");
const { join, relative } = require("node:path");

/** Changes and returns the manifest of the package in `folder`. An address that does not exist yet adds no field. */
function beforePacking(manifest, folder) {
	const { repository, bugs, homepage } = JSON.parse(readFileSync(join(__dirname, "release.json"), "utf8"));
	const directory = relative(__dirname, folder).replaceAll("\\", "/");
	if (repository !== null) manifest.repository = { type: "git", url: `git+${repository}.git`, directory };
	if (bugs !== null) manifest.bugs = bugs;
	if (homepage !== null) manifest.homepage = homepage;
	return manifest;
}

module.exports = { hooks: { beforePacking } };
