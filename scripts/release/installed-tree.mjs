/** Lays out the command line and what it needs as npm would install it, without npm: from tarballs and this checkout. */

import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { listTree } from "./staged-tree.mjs";
import { run } from "./workspace.mjs";

/**
 * Unpacks @sigtool/cli and its dependencies into `folder`/node_modules. Returns the other authors' packages among them,
 * with the folders they come from. Optional packages of others, which npm compiles, are left out. `packages` comes from
 * packTarballs(), `arch` is a value of process.arch.
 */
export function layOutCommandLine(folder, packages, arch) {
	const own = new Map(packages.map((each) => [each.manifest.name, each]));
	const place = (name) => join(folder, "node_modules", name);
	const others = new Map();
	const seen = new Set();
	const addOwn = ({ manifest, tarball, folder: source }) => {
		if (seen.has(manifest.name)) return;
		seen.add(manifest.name);
		mkdirSync(place(manifest.name), { recursive: true });
		run("tar", ["-xzf", tarball, "-C", place(manifest.name), "--strip-components=1", "--no-same-owner"]);
		for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
			const dependency = own.get(name);
			if (dependency !== undefined && fits(dependency.manifest, arch)) addOwn(dependency);
		}
		for (const name of Object.keys(manifest.dependencies ?? {})) if (!own.has(name)) addOther(name, source);
	};
	const addOther = (name, from) => {
		const source = installedFolder(name, from);
		const { version, dependencies = {} } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
		const known = others.get(name);
		if (known !== undefined && known.version !== version)
			throw new Error(`Cannot lay out ${name}: both ${known.version} and ${version} are needed`);
		if (known !== undefined) return;
		others.set(name, { name, version, folder: source });
		cpSync(source, place(name), { recursive: true, filter: (path) => !/[\\/]node_modules$/.test(path) });
		// In packages that were published from Windows every file is executable. None of these needs to be: no package here
		// has a command.
		for (const { path, stats } of listTree(place(name))) if (stats.isFile()) chmodSync(join(place(name), path), 0o644);
		for (const each of Object.keys(dependencies)) addOther(each, source);
	};
	addOwn(own.get("@sigtool/cli"));
	return [...others.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns true if npm installs the package on Linux with glibc and this processor. */
export function fits({ os, cpu, libc }, arch) {
	const allows = (list, value) => list === undefined || list.includes(value);
	return allows(os, "linux") && allows(cpu, arch) && allows(libc, "glibc");
}

/** Finds an installed package as Node.js does: in the nearest node_modules above `from`. */
export function installedFolder(name, from) {
	for (let folder = realpathSync(from); ; folder = dirname(folder)) {
		const found = join(folder, "node_modules", name);
		if (existsSync(found)) return realpathSync(found);
		if (folder === dirname(folder)) throw new Error(`Cannot find ${name} from ${from}: run pnpm install`);
	}
}
