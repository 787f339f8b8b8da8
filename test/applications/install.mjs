import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	realpathSync,
	renameSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { registryEnvironment } from "../../scripts/registry-environment.mjs";

const CACHE = fileURLToPath(new URL("../../.cache/applications/", import.meta.url));

/**
 * Installs the packages that `packages/<name>` locks, without install scripts, and keeps them under .cache. Returns the
 * directory that contains `node_modules`.
 *
 * @param {"programs" | "suites" | "services" | "builds" | "popular"} name
 * @param {readonly string[]} [only] the packages to install, with what they depend on; the default is all of them
 * @returns {string | undefined} undefined if npm or its registry cannot be reached
 */
export function installedPackages(name, only) {
	const manifests = fileURLToPath(new URL(`packages/${name}/`, import.meta.url));
	const text = readFileSync(join(manifests, "package-lock.json"), "utf8");
	const lock = only === undefined ? text : JSON.stringify(lockOf(only, JSON.parse(text)));
	const label = only === undefined ? name : `${name}-${only[0]?.replace("/", "-")}`;
	const folder = join(CACHE, `${label}-${createHash("sha256").update(lock).digest("hex").slice(0, 12)}`);
	if (existsSync(folder)) return folder;
	mkdirSync(CACHE, { recursive: true });
	const partial = mkdtempSync(join(CACHE, "partial-"));
	try {
		const { dependencies } = JSON.parse(lock).packages[""];
		writeFileSync(join(partial, "package.json"), JSON.stringify({ private: true, dependencies }));
		writeFileSync(join(partial, "package-lock.json"), lock);
		const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
		// A part of a lock lacks the packages that others want beside them.
		if (only !== undefined) flags.push("--legacy-peer-deps");
		const options = { cwd: partial, env: registryEnvironment(), stdio: "ignore", timeout: 180_000 };
		execFileSync("npm", ["ci", ...flags], options);
		renameSync(partial, folder);
		return folder;
	} catch {
		return existsSync(folder) ? folder : undefined;
	} finally {
		rmSync(partial, { recursive: true, force: true });
	}
}

/**
 * Returns the part of a lock that some packages and their dependencies need.
 *
 * @param {readonly string[]} only
 * @param {{ packages: Record<string, Record<string, Record<string, string>>> }} lock
 */
function lockOf(only, lock) {
	const { "": root = {}, ...packages } = lock.packages;
	const dependencies = Object.fromEntries(only.map((name) => [name, root.dependencies?.[name] ?? ""]));
	const kept = new Set([""]);
	for (const place of kept) {
		const { dependencies: needs, optionalDependencies: wishes } = place === "" ? { dependencies } : packages[place];
		for (const name of Object.keys({ ...needs, ...wishes })) {
			const found = placesOf(name, place).find((each) => each in packages);
			if (found !== undefined) kept.add(found);
		}
	}
	const parts = Object.entries(packages).filter(([place]) => kept.has(place));
	return { lockfileVersion: 3, packages: { "": { dependencies }, ...Object.fromEntries(parts) } };
}

/**
 * Returns the places where Node.js looks for a package, the nearest first.
 *
 * @param {string} name
 * @param {string} from
 */
function placesOf(name, from) {
	const places = [];
	for (let place = from; place !== ""; place = place.slice(0, Math.max(0, place.lastIndexOf("/node_modules/")))) {
		places.push(`${place}/node_modules/${name}`);
	}
	return [...places, `node_modules/${name}`];
}

/**
 * Compiles better-sqlite3's addon for `node` into the installation, where the package looks for an addon of this
 * version. SQLite is compiled without optimisation, because the optimisation takes a minute and changes nothing in
 * these tests.
 *
 * @param {string} folder of `installedPackages`
 * @param {string} node binary with C headers in `../include`
 * @returns {string | undefined} path below `folder`; undefined if it cannot be compiled here
 */
export function compiledDatabase(folder, node) {
	const abi = execFileSync(node, ["-p", "process.versions.modules"], { encoding: "utf8" }).trim();
	const source = join(folder, "node_modules/better-sqlite3");
	const home = `node_modules/better-sqlite3/lib/binding/node-v${abi}-${process.platform}-${process.arch}`;
	const addon = join(home, "better_sqlite3.node");
	if (existsSync(join(folder, addon))) return addon;
	const scratch = mkdtempSync(join(CACHE, "database-"));
	try {
		cpSync(source, scratch, { recursive: true });
		const nodedir = join(dirname(realpathSync(node)), "..");
		const env = { ...process.env, npm_config_nodedir: nodedir, CFLAGS: "-O0", CXXFLAGS: "-O0" };
		execFileSync("npm", ["run", "build-release"], { cwd: scratch, env, stdio: "ignore" });
		mkdirSync(join(folder, home), { recursive: true });
		renameSync(join(scratch, "build/Release/better_sqlite3.node"), join(folder, addon));
		return addon;
	} catch {
		return undefined;
	} finally {
		rmSync(scratch, { recursive: true, force: true });
	}
}
