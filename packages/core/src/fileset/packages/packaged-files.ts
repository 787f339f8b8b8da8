/** Finds the files of packages of the distribution from which Node.js or Python load code. */

import { readdirSync, readlinkSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { lstatIfThere } from "../../system/look-up.js";
import { cannotAdopt, ownersOf, type PackagePath, readInstalledPackage } from "./dpkg-lists.js";

/** The files of packages in one directory, which become one product of the index. */
export interface PackagedTree {
	/** The real path of the directory. */
	readonly root: string;
	/** The files and links by their entry paths. */
	readonly files: ReadonlyMap<string, PackagedFile>;
	/** The `.pth` files among the modules that no package of the plan has. */
	readonly foreignPathFiles: readonly ForeignFile[];
}

export interface ForeignFile {
	readonly entry: string;
	/** The name of the package that has the file, if one has. */
	readonly owner: string | undefined;
}

export const ANY = "any";

export interface PackagedFile {
	/** The name of the package. */
	readonly of: string;
	/** Bytecode is in no list, because packages make it after their installation. */
	readonly kind: "listed" | "missing" | "bytecode";
	/**
	 * The MD5 that the content must have. The value ANY is for links, configuration files and bytecode. Undefined for
	 * other files of which dpkg has no digest.
	 */
	readonly md5: string | undefined;
}

export interface AdoptedPackage {
	readonly name: string;
	/** The number of files and links that were adopted, bytecode included. */
	readonly fileCount: number;
	/** The number of files and links that were left out, because no runtime loads code from their directories. */
	readonly otherCount: number;
}

export interface PackagePlan {
	readonly packages: readonly AdoptedPackage[];
	readonly trees: readonly PackagedTree[];
}

/**
 * Finds the files of packages, and the directories with which they are adopted. No content is read. `system` is the
 * directory below which the system lies.
 * @throws ERR_PACKAGE, ERR_LIMIT, ERR_IO
 */
export function planPackages(names: readonly string[], system = "/"): PackagePlan {
	const trees = new Map<string, Map<string, PackagedFile>>();
	const bytecodeOf = bytecodeFinder();
	const totals = new Map<string, number>();
	for (const asked of names) {
		const { name, paths } = readInstalledPackage(asked, system);
		// A listed directory is none of the files, even if somebody put a link in its place.
		const directories = new Set(paths.map((listed) => dirname(listed.path)));
		totals.set(name, 0);
		for (const listed of paths) {
			const path = join(system, unaliased(listed.path, system));
			const stats = lstatIfThere(path);
			if (directories.has(listed.path) || stats?.isDirectory() === true) continue;
			totals.set(name, (totals.get(name) ?? 0) + 1);
			const place = placeOf(path, system);
			if (place === undefined) continue;
			const files = trees.get(place.root) ?? new Map<string, PackagedFile>();
			const kind = stats === undefined ? "missing" : "listed";
			trees.set(place.root, files.set(place.entry, { of: name, kind, md5: digestFor(listed, stats) }));
			for (const bytecode of bytecodeOf(path)) {
				files.set(join(dirname(place.entry), bytecode), { of: name, kind: "bytecode", md5: ANY });
			}
		}
	}
	const withCode = Array.from(trees, ([root, files]) => {
		return { root, files, foreignPathFiles: withOwners(root, foreignPathFilesIn(root, files), system) };
	}).filter(hasCode);
	return { packages: countFiles(totals, withCode), trees: withCode };
}

/** @throws ERR_PACKAGE for a package without files in the trees */
function countFiles(totals: ReadonlyMap<string, number>, trees: readonly PackagedTree[]): AdoptedPackage[] {
	const counts = new Map(Array.from(totals, ([name, total]) => [name, { name, fileCount: 0, otherCount: total }]));
	for (const { files } of trees) {
		for (const { of, kind } of files.values()) {
			const count = counts.get(of);
			if (count === undefined) continue;
			count.fileCount++;
			if (kind !== "bytecode") count.otherCount--;
		}
	}
	const without = [...counts.values()].find(({ fileCount }) => fileCount === 0);
	if (without === undefined) return [...counts.values()];
	throw cannotAdopt(without.name, "it has no files that Node.js or Python load as code");
}

/** Tells whether a file has a name by which Node.js or Python load it as code. */
function hasCode({ files }: PackagedTree): boolean {
	return [...files.keys()].some((entry) => /\.(?:[cm]?js|node|pth|py|so|wasm)$/.test(entry));
}

interface Place {
	readonly root: string;
	readonly entry: string;
}

/**
 * The directories below which each package, or each runtime, has a directory of its own. That directory becomes a
 * product. A program in /usr/bin, and a library directly in /usr/lib, is loaded by no runtime as code.
 */
const SHARED = /^\/(?:usr\/(?:local\/)?(?:lib(?:32|64|x32)?|libexec|share)|opt|etc)$/;
/** The directory of libraries of an architecture has directories of packages, too: /usr/lib/x86_64-linux-gnu/nodejs. */
const ARCHITECTURE = /^[a-z0-9_]+-linux-(?:gnu|musl)\w*$/;
const DOCUMENTATION: ReadonlySet<string> = new Set(["doc", "doc-base", "info", "lintian", "locale", "man"]);

/** Returns the product's directory for a file, or undefined if no runtime loads code from there. */
function placeOf(path: string, system: string): Place | undefined {
	const base = system === "/" ? "" : system;
	const steps = path.slice(base.length).split("/");
	const depth = [2, 3, 4].find((each) => SHARED.test(steps.slice(0, each).join("/")));
	if (depth === undefined || steps[depth] === undefined) return undefined;
	if (steps[depth - 1] === "share" && DOCUMENTATION.has(steps[depth])) return undefined;
	const end = depth + (ARCHITECTURE.test(steps[depth]) ? 2 : 1);
	if (end >= steps.length) return undefined;
	return { root: base + steps.slice(0, end).join("/"), entry: steps.slice(end).join("/") };
}

/** Returns the path of a file with /usr before it, if its first directory is a link into /usr, as where /usr is merged. */
function unaliased(path: string, system: string): string {
	const first = path.split("/", 2)[1];
	if (!MERGED.has(first) || lstatIfThere(join(system, first))?.isSymbolicLink() !== true) return path;
	return readlinkSync(join(system, first)).replace(/^\//, "") === `usr/${first}` ? `/usr${path}` : path;
}

const MERGED: ReadonlySet<string> = new Set(["bin", "lib", "lib32", "lib64", "libx32", "sbin"]);

function digestFor({ md5, isSettings }: PackagePath, stats: Stats | undefined): string | undefined {
	if (isSettings) return ANY;
	return md5 ?? (stats?.isSymbolicLink() === true ? ANY : undefined);
}

/**
 * Returns a function that finds the bytecode that CPython made of a source, relative to the source's directory. Packages
 * make it after they are installed, so that dpkg does not list it. Without it a service would be refused, because Python
 * prefers it to the source. Each directory is listed once.
 */
function bytecodeFinder(): (source: string) => readonly string[] {
	const listings = new Map<string, ReadonlyMap<string, readonly string[]>>();
	return (source) => {
		if (!source.endsWith(".py")) return [];
		const directory = dirname(source);
		const bySource = listings.get(directory) ?? bytecodeBySource(join(directory, "__pycache__"));
		listings.set(directory, bySource);
		return bySource.get(basename(source)) ?? [];
	};
}

function bytecodeBySource(directory: string): ReadonlyMap<string, readonly string[]> {
	const found = new Map<string, string[]>();
	for (const name of listIfThere(directory)) {
		const [, stem] = /^(.+)\.cpython-\w+(?:\.opt-\w+)?\.pyc$/.exec(name) ?? [];
		if (stem === undefined) continue;
		const beside = found.get(`${stem}.py`) ?? [];
		beside.push(`__pycache__/${name}`);
		found.set(`${stem}.py`, beside);
	}
	return found;
}

/** Returns the entry paths of the `.pth` files that CPython would read below a directory, without those of `files`. */
function foreignPathFilesIn(root: string, files: ReadonlyMap<string, PackagedFile>): string[] {
	const found = ["dist-packages", "site-packages"].flatMap((directory) => {
		const names = listIfThere(join(root, directory)).filter((name) => name.endsWith(".pth"));
		return names.map((name) => `${directory}/${name}`);
	});
	return found.filter((entry) => !files.has(entry));
}

function withOwners(root: string, entries: readonly string[], system: string): ForeignFile[] {
	const base = system === "/" ? "" : system;
	const listedAs = (entry: string) => join(root, entry).slice(base.length);
	const owners = ownersOf(entries.map(listedAs), system);
	return entries.map((entry) => ({ entry, owner: owners.get(listedAs(entry)) }));
}

function listIfThere(directory: string): string[] {
	try {
		return readdirSync(directory).sort();
	} catch {
		return []; // There is no such directory, or hashing its files reports why it cannot be read.
	}
}
