/**
 * Finds the native parts: those that were compiled on this machine, else those of the package of prebuilt parts that fits
 * this process.
 *
 * The folders `node_modules` above a file are searched, and nothing else. `require` would also search the folders in
 * NODE_PATH and in the home directory, so the environment of a process could decide which native code it loads. A folder
 * above may belong to another user, as those in /tmp do, so the owner of a package counts too.
 */

import { existsSync, lstatSync, readFileSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { nativeTarget } from "./native-target.js";

/** The files of a package of prebuilt parts. */
export type NativePart = "addon.node" | "gate.so" | "sigtool.node" | "sigtool-launch";

/**
 * Returns the path of a part as it is installed for the module at `from`, or undefined. `compiled` is the folder of a
 * build on this machine, whose parts come first.
 */
export function nativePart(part: NativePart, from: string, compiled: string | undefined): string | undefined {
	const own = compiled === undefined ? undefined : join(compiled, part);
	if (own !== undefined && existsSync(own)) return own;
	const directory = nativePackage(from);
	const prebuilt = directory === undefined ? undefined : join(directory, part);
	return prebuilt !== undefined && existsSync(prebuilt) ? prebuilt : undefined;
}

/** Returns the folder of the prebuilt parts for this process, or undefined if they are absent or of another version. */
export function nativePackage(from: string): string | undefined {
	const target = nativeTarget();
	const directory = target === undefined ? undefined : packageAbove(`@sigtool/native-${target}`, from);
	return directory === undefined || otherVersion(directory) !== undefined ? undefined : directory;
}

/**
 * Returns the folder of a package that the module at the path `from` would load, or undefined. It is undefined too if a
 * stranger could have put the package there.
 */
export function packageAbove(name: string, from: string): string | undefined {
	const { directory, isOfStranger } = nearestPackage(name, from) ?? {};
	return isOfStranger === true ? undefined : directory;
}

/** Returns the folder of the nearest package above the module at the path `from`, whoever put it there. */
export function nearestPackage(name: string, from: string): NearestPackage | undefined {
	for (let folder = dirname(from); ; folder = dirname(folder)) {
		const directory = join(folder, "node_modules", name);
		if (existsSync(join(directory, "package.json"))) return { directory, isOfStranger: isOfStranger(directory, from) };
		if (dirname(folder) === folder) return undefined;
	}
}

interface NearestPackage {
	readonly directory: string;
	/** Says whether a user owns it who is not root, not this user, and not the owner of the module, or everyone can write. */
	readonly isOfStranger: boolean;
}

/** Looks at the package and at the folders up to its `node_modules`, each as a link and as the folder it leads to. */
function isOfStranger(directory: string, from: string): boolean {
	if (process.getuid === undefined) return false; // Windows has no owners and modes to look at.
	const owners = [0, process.getuid(), statSync(from, { throwIfNoEntry: false })?.uid];
	const isOpen = ({ uid, mode }: Stats) => !owners.includes(uid) || (mode & EVERYONE_WRITES) !== 0;
	for (let folder = directory; ; folder = dirname(folder)) {
		if (!owners.includes(lstatSync(folder).uid) || isOpen(statSync(folder))) return true;
		if (basename(folder) === "node_modules") return false;
	}
}

const EVERYONE_WRITES = 0o002;

declare const SIGTOOL_VERSION: string | undefined;

/**
 * Returns the version of a package of prebuilt parts if it is not this release's. The files of this project that are
 * bundled know their release; the others come with the version that their package names.
 */
export function otherVersion(directory: string): string | undefined {
	if (typeof SIGTOOL_VERSION === "undefined") return undefined;
	try {
		const { version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { version?: unknown };
		return version === SIGTOOL_VERSION ? undefined : String(version);
	} catch {
		return "unknown";
	}
}
