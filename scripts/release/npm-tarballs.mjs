/** Packs the public packages as npm gets them. */

import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { publicPackages, root, run } from "./workspace.mjs";

const { hooks } = createRequire(import.meta.url)("../../.pnpmfile.cjs");

/**
 * Packs every public package into `folder`, and returns the packages with the path of their `tarball`. pnpm replaces
 * `workspace:` by versions, calls the hook in .pnpmfile.cjs, and writes the same bytes for the same files: it sorts
 * them, and gives all of them one owner and one time.
 */
export function packTarballs(folder) {
	mkdirSync(folder, { recursive: true });
	run("npx", ["-y", "pnpm@12", "--recursive", "--filter", "./packages/*", "pack", "--pack-destination", folder], {
		cwd: root,
	});
	const packages = publicPackages();
	const expected = packages.map(({ manifest }) => tarballName(manifest)).sort();
	const made = readdirSync(folder).sort();
	if (expected.join() !== made.join())
		throw new Error(`Cannot release: packed ${made.join(", ")}, and not ${expected.join(", ")}`);
	for (const each of packages) requireHook(join(folder, tarballName(each.manifest)), each);
	return packages.map((each) => ({ ...each, tarball: placed(folder, each.manifest) }));
}

/**
 * A setting of this machine, such as `pnpm_config_ignore_pnpmfile`, keeps pnpm from calling the hook. The packages would
 * then name others that anyone can publish.
 * @throws Error if the packed manifest names other optional packages than the hook leaves in it
 */
function requireHook(tarball, { folder, manifest }) {
	const packed = JSON.parse(run("tar", ["-xzOf", tarball, "package/package.json"]));
	const names = ({ optionalDependencies = {} }) => Object.keys(optionalDependencies).sort().join(", ");
	const expected = names(hooks.beforePacking(structuredClone(manifest), folder));
	if (names(packed) === expected) return;
	throw new Error(
		`Cannot release: ${tarball} names ${names(packed) || "nothing"} as optional, and not ${expected || "nothing"}; ` +
			"let pnpm call .pnpmfile.cjs: remove ignore-pnpmfile and pnpmfile from its settings and pnpm_config_* from the environment",
	);
}

/**
 * Moves the package of one processor into a folder of its own, so that `npm install ./release/*.tgz` names none that npm
 * refuses on this machine. Returns the path of the tarball.
 */
function placed(folder, manifest) {
	const tarball = join(folder, tarballName(manifest));
	const place = placeOfTarball(folder, manifest);
	mkdirSync(dirname(place), { recursive: true });
	renameSync(tarball, place);
	return place;
}

/** Returns the path that the tarball of a package has in a release. */
export function placeOfTarball(folder, manifest) {
	return join(folder, manifest.cpu === undefined ? "" : "native", tarballName(manifest));
}

function tarballName({ name, version }) {
	return `${name.replace(/^@/, "").replace("/", "-")}-${version}.tgz`;
}
