/** Tries, as the user of a service, what a start needs: to run the launcher, to read files, and to append events. */

import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, realpathSync, statfsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoReason, isErrnoException, shell } from "@sigtool/core/internal/errors";
import { type Account, actingAs, isRoot, rootAccount } from "./account.js";
import { hostDocument } from "./derived-settings.js";
import { type LauncherFinding, note, why, wrong } from "./finding.js";
import type { LauncherConf } from "./launcher-conf.js";
import { CONF_NAME, launcherIn } from "./launcher-place.js";

/**
 * Returns the findings for each account. Without accounts root tries, because a disk that is full or read-only stops root
 * too. A user who is not root is no service's user, so nothing is tried then. With `mayRun` the launcher is run, too.
 */
export function usersFindings(
	directory: string,
	conf: LauncherConf,
	accounts: readonly Account[],
	mayRun: boolean,
): LauncherFinding[] {
	const launcher = mayRun ? [launcherIn(directory)] : [];
	const findingsOf = (account: Account) =>
		userFindings([join(directory, CONF_NAME), ...filesOf(conf)], account, conf, launcher);
	if (accounts.length > 0) return accounts.flatMap(findingsOf);
	if (!isRoot()) return [note("user", "nothing was tried as a service's user: run it as root, with --user NAME")];
	const alone = "tried as root alone, because no process runs: --user NAME tries as the service's user";
	const found = findingsOf(rootAccount());
	return [...found.filter(({ status }) => status === "wrong"), note("user", alone)];
}

function userFindings(
	files: readonly string[],
	account: Account,
	{ writable, audit }: LauncherConf,
	programs: readonly string[],
): LauncherFinding[] {
	const faults: Fault[] = [];
	const ways = openWays([...writable, ...(audit === undefined ? [] : [dirname(audit)])]);
	try {
		actingAs(account, () => {
			for (const program of programs) faults.push(...runFaults(program));
			for (const file of files) faults.push(...readFaults(file));
			for (const each of writable) faults.push(...createFaults(each, ways.to(each)));
			if (audit !== undefined) faults.push(...eventFaults(audit, ways.to(dirname(audit)), account));
		});
	} catch (error) {
		return [wrong("user", why(error))];
	} finally {
		ways.close();
	}
	// A directory that lets the user not pass is one fault, however many files lie below it.
	const found = faults.filter(({ place }, i) => faults.findIndex((each) => each.place === place) === i);
	if (found.length > 0) return found.map(({ says }) => wrong("user", `${account.name} cannot ${says}`));
	const events = audit === undefined ? "" : `, and append to ${audit}`;
	return [{ what: "user", status: "ok", says: `${account.name} can run the launcher, read what it reads${events}` }];
}

function filesOf({ config, index, trees, ...conf }: LauncherConf): string[] {
	const { node, bundle, addon, gate, python, spython, libpython } = conf;
	const pinned = [node, bundle, addon, gate, python, spython, libpython].flatMap((file) => file?.path ?? []);
	return [...pinned, config, ...namedFiles(config), index, ...trees];
}

/** Returns the files that the configuration names. A configuration that cannot be used has a finding of its own. */
function namedFiles(config: string): string[] {
	try {
		const { policy, authorities = [], timestampAuthorities = [] } = hostDocument(config) ?? {};
		const certificates = [...authorities, ...timestampAuthorities].map(({ certificate }) => certificate);
		return policy === undefined ? certificates : [policy, ...certificates];
	} catch {
		return [];
	}
}

interface Fault {
	/** The file, or the directory above it, that has to be changed. */
	readonly place: string;
	readonly says: string;
}

interface Ways {
	/** Returns the path by which a user reaches a directory. */
	to(directory: string): string;
	close(): void;
}

/**
 * systemd lets the users of DynamicUser= through directories that only root may search. So a directory in one of them is
 * reached by a descriptor of root's.
 */
function openWays(directories: readonly string[]): Ways {
	const descriptors: number[] = [];
	const found = new Map<string, string>();
	for (const directory of directories) {
		const [, base, rest] = PRIVATE.exec(realPathIfThere(directory)) ?? [];
		if (base === undefined) continue;
		const descriptor = openSync(base, constants.O_RDONLY | constants.O_DIRECTORY);
		descriptors.push(descriptor);
		found.set(directory, `/proc/self/fd/${descriptor}${rest}`);
	}
	return {
		to: (directory) => found.get(directory) ?? directory,
		close: () => descriptors.forEach(closeSync),
	};
}

const PRIVATE = /^(\/(?:run|var\/(?:cache|lib|log))\/private\/[^/]+)(.*)$/;

function realPathIfThere(path: string): string {
	try {
		return realpathSync(path);
	} catch {
		return path;
	}
}

/** Starts the launcher, because only the kernel knows if this user may. */
function runFaults(launcher: string): Fault[] {
	const { error } = spawnSync(launcher, ["--help"], { stdio: "ignore", timeout: 10_000, killSignal: "SIGKILL" });
	return error === undefined || isMissing(error) ? [] : [faultOf("run", launcher, error, "x")];
}

/** Opens a file or a directory. Other findings tell that it is missing. */
function readFaults(file: string): Fault[] {
	try {
		closeSync(openSync(file, constants.O_RDONLY | constants.O_NONBLOCK));
		return [];
	} catch (error) {
		return isMissing(error) ? [] : [faultOf("read", file, error, "r")];
	}
}

/** Makes a file without a name, which the kernel refuses for the same reasons as one with a name. */
function createFaults(directory: string, way: string): Fault[] {
	try {
		closeSync(openSync(way, constants.O_WRONLY | O_TMPFILE, 0o600));
		return [];
	} catch (error) {
		// The kernel judges the user's rights before it asks whether the file system has such files.
		const isAllowed = isErrnoException(error) && NO_TMPFILE.has(error.code);
		return isAllowed || isMissing(error) ? [] : [faultOf("write in", directory, error, "w", way)];
	}
}

/** The flag of open(2), which includes O_DIRECTORY. Node.js has no name for it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
const NO_TMPFILE: ReadonlySet<string> = new Set(["EOPNOTSUPP", "EISDIR"]);

/** Opens the file of events as a start does, but makes and writes nothing. */
function eventFaults(file: string, way: string, { uid }: Account): Fault[] {
	const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOFOLLOW;
	const wayToFile = join(way, basename(file));
	try {
		closeSync(openSync(wayToFile, flags));
	} catch (error) {
		if (!isMissing(error)) return [faultOf("append to", file, error, "w", wayToFile)];
		const faults = createFaults(dirname(file), way);
		if (faults.length > 0)
			return faults.map(({ place, says }) => ({
				place,
				says: `make ${file}: it cannot ${says}, or make the file as root, for a group of this user`,
			}));
	}
	return roomFaults(file, way, uid);
}

/** Root may use blocks that are kept from others. A file system without a limit says that it has no blocks. */
function roomFaults(file: string, way: string, uid: number): Fault[] {
	try {
		const { blocks, bfree, bavail } = statfsSync(way);
		if (blocks === 0 || (uid === 0 ? bfree : bavail) > 0) return [];
		return [{ place: file, says: `append to ${file}: no space left on device (ENOSPC); free the disk that has it` }];
	} catch {
		return []; // The directory is missing, which other findings tell.
	}
}

/**
 * Words what the kernel refused: the file, the reason, and the way out. `right` is the one that the user lacks. `way` is the
 * path by which the user was to reach it, and ends as `path` does.
 */
function faultOf(action: string, path: string, error: unknown, right: "r" | "w" | "x", way = path): Fault {
	const says = `${action} ${path}: ${errnoReason(error)}`;
	const code = isErrnoException(error) ? error.code : undefined;
	if (code === "EROFS")
		return { place: path, says: `${says}; mount it for writing, or name another path in the configuration` };
	if (code === "ENOSPC") return { place: path, says: `${says}; free the disk` };
	if (code !== "EACCES" && code !== "EPERM") return { place: path, says };
	const ways = way === path ? [path, realPathIfThere(path)] : [way];
	const closed = ways.flatMap(directoriesAbove).find((each) => !canPass(each));
	const found = closed ?? way;
	const place = way !== path && way.startsWith(found) ? path.slice(0, path.length - way.length + found.length) : found;
	const rights = rightsOf(found);
	const has = rights === undefined ? "" : `: ${place} has ${rights}`;
	if (closed === undefined && right === "w")
		return { place, says: `${says}${has}; change its owner, or its group and mode` };
	const lacking = closed !== undefined ? "x" : isDirectory(found) ? "rx" : right;
	return {
		place,
		says: `${says}${has}; run \`${shell`chmod ${`o+${lacking}`} ${place}`}\`, or give it a group of this user`,
	};
}

/** Returns the directories above a path, from the root on. */
function directoriesAbove(path: string): string[] {
	const directory = dirname(path);
	return directory === path ? [] : [...directoriesAbove(directory), directory];
}

function canPass(directory: string): boolean {
	try {
		return statSync(`${directory}/.`) !== undefined;
	} catch (error) {
		return !isErrnoException(error) || error.code !== "EACCES";
	}
}

/** Returns undefined for a path that this user cannot look at. */
function rightsOf(path: string): string | undefined {
	try {
		const { uid, gid, mode } = statSync(path);
		return `owner ${uid}, group ${gid} and mode ${(mode & 0o7777).toString(8).padStart(4, "0")}`;
	} catch {
		return undefined;
	}
}

function isDirectory(path: string): boolean {
	return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isMissing(error: unknown): boolean {
	return isErrnoException(error) && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
