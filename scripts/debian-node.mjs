import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The library with V8 and Node.js in Debian 13, which a `node` of Debian of the same version uses. */
export const LIBRARY = "libnode115";

/**
 * Returns Debian's own `node`, which is small: V8 and Node.js are in a library, libuv in another, and some sources of
 * Node.js are files of packages. The library must be installed as a package. The program is unpacked in .cache, because
 * another Node.js may be installed.
 *
 * @returns {string | undefined} path of the program, or undefined if the library is not installed or the package of the
 *   program cannot be fetched
 */
export function debianNode() {
	const { stdout } = run("dpkg-query", ["-W", LIBRARY]);
	const version = stdout?.trim().split("\t")[1];
	if (version === undefined) return undefined;
	const folder = fileURLToPath(new URL(`../.cache/node/debian-${version}`, import.meta.url));
	const node = join(folder, "usr/bin/node");
	if (existsSync(node)) return node;
	mkdirSync(dirname(folder), { recursive: true });
	const partial = mkdtempSync(`${folder}.`);
	try {
		run("apt-get", ["download", "-q", `nodejs=${version}`], partial);
		run("sh", ["-c", "dpkg-deb -x nodejs_*.deb ."], partial);
		if (!existsSync(join(partial, "usr/bin/node"))) return undefined;
		// Another test file may have been faster.
		if (!existsSync(folder)) renameSync(partial, folder);
		return node;
	} finally {
		rmSync(partial, { recursive: true, force: true });
	}
}

function run(program, args, cwd) {
	return spawnSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}
