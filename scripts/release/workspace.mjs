/** Tells what a release consists of: the folder of the repository, its commit, its public packages, its addresses. */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Returns the addresses of the project. An address that does not exist yet is null. */
export function releaseFacts() {
	return JSON.parse(readFileSync(join(root, "release.json"), "utf8"));
}

/** Returns the public packages of the workspace, by their manifests and sorted by name. */
export function publicPackages() {
	return readdirSync(join(root, "packages"))
		.map((name) => join(root, "packages", name))
		.map((folder) => ({ folder, manifest: manifestIn(folder) }))
		.filter(({ manifest }) => manifest !== undefined && manifest.private !== true)
		.sort((a, b) => (a.manifest.name < b.manifest.name ? -1 : 1));
}

function manifestIn(folder) {
	try {
		return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
	} catch (error) {
		if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
		throw error;
	}
}

/** Returns the version that all public packages have. @throws Error if they differ */
export function releaseVersion() {
	const versions = new Set(publicPackages().map(({ manifest }) => manifest.version));
	if (versions.size !== 1)
		throw new Error(`Cannot release: the packages have the versions ${[...versions].join(", ")}`);
	return [...versions][0];
}

/**
 * Returns the commit, and its time in seconds since the epoch, which becomes the time of everything that is made.
 * SOURCE_DATE_EPOCH replaces the time. https://reproducible-builds.org/specs/source-date-epoch/
 */
export function commit() {
	const [id, time] = run("git", ["-C", root, "log", "-1", "--format=%H %ct"]).trim().split(" ");
	const given = process.env.SOURCE_DATE_EPOCH ?? "";
	if (!/^\d*$/.test(given)) throw new Error(`Set SOURCE_DATE_EPOCH to whole seconds, not "${given}"`);
	const dirty = run("git", ["-C", root, "status", "--porcelain"]) !== "";
	return { id, seconds: Number(given || time), dirty };
}

/** Returns the standard output of a program that must succeed. */
export function run(program, args, options = {}) {
	const result = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28, ...options });
	if (result.status === 0) return result.stdout;
	const said = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim();
	throw new Error(`${[program, ...args].join(" ")} ended with ${result.status ?? result.error?.code}\n${said}`);
}

/** Returns true if the program is on the PATH. */
export function has(program) {
	return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}
