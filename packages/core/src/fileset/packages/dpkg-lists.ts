/**
 * Reads what dpkg knows about installed packages: their files, the digests of these files, and which files lie under
 * another name. The directory `/var/lib/dpkg` belongs to root, but a list that is damaged must not lead to a file that
 * the package does not have. So a list with any path that dpkg would not write is refused as a whole.
 */

import { isUtf8 } from "node:buffer";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ioError, isErrnoException, quote, SigtoolError } from "../../errors.js";
import { exists } from "../../system/look-up.js";
import { readBounded } from "../../system/read-file.js";

/** A file, link or directory of a package. */
export interface PackagePath {
	/** The absolute path at which it lies. It differs from the name in the list if another package diverted it. */
	readonly path: string;
	/** The MD5 in the package's list. Undefined if the list has none. */
	readonly md5: string | undefined;
	/** True for a configuration file, which the administrator may change. */
	readonly isSettings: boolean;
}

export interface InstalledPackage {
	/** The name as dpkg's lists have it, e.g. `libc6:amd64`. */
	readonly name: string;
	readonly paths: readonly PackagePath[];
}

/**
 * Returns the paths of an installed package. `name` may end in `:` and an architecture, and must if the package is
 * installed for several. `system` is the directory below which the system lies.
 * @throws ERR_PACKAGE if the package is not installed or a list is malformed; ERR_LIMIT, ERR_IO
 */
export function readInstalledPackage(name: string, system = "/"): InstalledPackage {
	const info = join(system, INFO);
	const base = baseNameOf(name, info);
	const read = (kind: string) => linesOf(join(info, `${base}.${kind}`));
	const settings = new Set((read("conffiles") ?? []).map((line) => line.slice(line.indexOf("/"))));
	const digests = digestsOf(read("md5sums") ?? [], base);
	const moved = diversionsOf(linesOf(join(system, DIVERSIONS)) ?? [], plainNameOf(base));
	const listed = pathsOf(read("list") ?? [], base);
	return {
		name: base,
		paths: listed.map((path) => {
			return { path: moved.get(path) ?? path, md5: digests.get(path), isSettings: settings.has(path) };
		}),
	};
}

/**
 * Returns the package of each path that a list has. Reads no list if there are no paths.
 * @throws ERR_PACKAGE if a list is malformed; ERR_LIMIT, ERR_IO
 */
export function ownersOf(paths: readonly string[], system = "/"): ReadonlyMap<string, string> {
	const info = join(system, INFO);
	const wanted = new Set(paths);
	const owners = new Map<string, string>();
	const lists = wanted.size === 0 ? [] : infoNames(info).filter((name) => name.endsWith(".list"));
	for (const list of lists) {
		const owned = (linesOf(join(info, list)) ?? []).filter((line) => wanted.has(line));
		for (const path of owned) owners.set(path, list.slice(0, -".list".length));
	}
	return owners;
}

export const INFO = "var/lib/dpkg/info";
const DIVERSIONS = "var/lib/dpkg/diversions";
/** The largest package of Debian has a list of some 10 MB. */
const MAX_LIST_BYTES = 2 ** 26;
/** The names that dpkg accepts (deb-control(5)), with an optional architecture. */
const PACKAGE_NAME = /^[a-z0-9][a-z0-9+.-]{1,127}(?::[a-z0-9][a-z0-9-]{0,63})?$/;

/** Returns the beginning of the names of the package's files in `info`. @throws ERR_PACKAGE */
function baseNameOf(name: string, info: string): string {
	if (!PACKAGE_NAME.test(name)) throw cannotAdopt(name, "it is no name of a package");
	if (exists(join(info, `${name}.list`))) return name;
	const plain = plainNameOf(name);
	const names = infoNames(info).flatMap((each) => (each.endsWith(".list") ? [each.slice(0, -".list".length)] : []));
	const installed = names.filter((each) => plainNameOf(each) === plain);
	const [only, ...others] = installed;
	if (only === undefined) throw cannotAdopt(name, "dpkg does not have it installed");
	if (others.length > 0 || name !== plain) {
		throw cannotAdopt(name, `it is installed as ${installed.join(" and ")}; name one of these`);
	}
	return only;
}

function plainNameOf(name: string): string {
	return name.split(":", 1)[0];
}

export function infoNames(info: string): string[] {
	try {
		return readdirSync(info).sort();
	} catch (cause) {
		if (isErrnoException(cause) && cause.code === "ENOENT") return [];
		throw ioError("list", info, cause);
	}
}

/** Returns undefined if there is no such file. @throws ERR_PACKAGE if it is no text in UTF-8 that ends with a line break */
export function linesOf(file: string): string[] | undefined {
	if (!exists(file)) return undefined;
	const bytes = readBounded(file, MAX_LIST_BYTES);
	if (!isUtf8(bytes)) throw malformed(file, "it is not text in UTF-8");
	const lines = bytes.toString("utf8").split("\n");
	if (lines.pop() !== "") throw malformed(file, "its last line does not end");
	return lines;
}

/** Returns the paths of a list without that of the root, `/.`. */
function pathsOf(lines: readonly string[], base: string): string[] {
	const paths = lines.filter((line) => line !== "/.");
	const strange = paths.find((path) => !isPlainPath(path));
	if (strange !== undefined) throw malformed(`${base}.list`, `it has the path ${quote(strange)}`);
	return [...new Set(paths)];
}

/** An absolute path with no empty step, no `.`, no `..` and no control character. */
function isPlainPath(path: string): boolean {
	return /^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+$/u.test(path);
}

/** Parses lines `MD5  PATH`, in which the path begins without a slash. */
function digestsOf(lines: readonly string[], base: string): ReadonlyMap<string, string> {
	const digests = new Map<string, string>();
	for (const line of lines) {
		const [, md5, path] = /^([0-9a-f]{32}) {2}(.+)$/.exec(line) ?? [];
		if (md5 === undefined || path === undefined) throw malformed(`${base}.md5sums`, `it has the line ${quote(line)}`);
		digests.set(`/${path}`, md5);
	}
	return digests;
}

/**
 * Returns where the files of a package lie that others diverted. Three lines describe each diversion: the path, the path
 * to which the package's file is moved, and the package that diverts, whose own file stays (dpkg-divert(1)).
 */
function diversionsOf(lines: readonly string[], ownName: string): ReadonlyMap<string, string> {
	const moved = new Map<string, string>();
	for (let at = 0; at < lines.length; at += 3) {
		const [from = "", to = "", by = ""] = lines.slice(at, at + 3);
		if (by === "" || !isPlainPath(from) || !isPlainPath(to)) {
			throw malformed("diversions", `line ${at + 1} begins no diversion`);
		}
		if (plainNameOf(by) !== ownName) moved.set(from, to);
	}
	return moved;
}

function malformed(file: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_PACKAGE", `Cannot use dpkg's file ${quote(file)}: ${reason}`, { path: file });
}

export function cannotAdopt(name: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_PACKAGE", `Cannot adopt package ${quote(name)}: ${reason}`);
}
