/**
 * Finds out if another user could have written a configuration that was found. Such a file is not used: whoever works
 * below a directory for everyone, such as /tmp, would otherwise obey its other users.
 */

import { constants, lstatSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { otherWriterOf } from "@sigtool/core/internal";
import { quote, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { entriesOnWayTo } from "./places.js";

const { S_IWGRP } = constants;

/**
 * Refuses a configuration that a user other than root and the present one owns or can write to or exchange. The file
 * counts, and every directory and link on the way to it. Windows has no modes to check.
 * @throws ERR_CONFIG
 */
export function refuseOtherWriters(file: string): void {
	if (process.platform === "win32") return;
	const entries = entriesOnWayTo(file);
	const directories = new Set(entries.map((entry) => dirname(entry)));
	const faults = [...entries.map(linkFaultOf), ...[...directories, ...entries.slice(-1)].map(faultOf)];
	const fault = faults.find((each) => each !== undefined);
	if (fault === undefined) return;
	const way = `if you mean it, name it with \`${shell`--config ${file}`}\`; --no-config does without`;
	throw new SigtoolError("ERR_CONFIG", `Cannot use the configuration ${quote(file)}: ${fault}; ${way}`, { path: file });
}

/** Returns a text about a link of another user, who may exchange it even in a directory like /tmp. */
function linkFaultOf(entry: string): string | undefined {
	const stats = lstatSync(entry);
	if (!stats.isSymbolicLink() || stats.uid === 0 || stats.uid === process.geteuid?.()) return undefined;
	return `the link ${quote(entry)} belongs to user ${stats.uid}, not to root or you`;
}

/** Returns a text about the first of the path and the directories above it that another user could write to. */
function faultOf(realPath: string): string | undefined {
	const own = process.geteuid?.();
	const ownGroup = privateGroup();
	for (let path = realPath; ; path = dirname(path)) {
		const { uid, gid, mode } = lstatSync(path);
		const counted = gid === ownGroup ? mode & ~S_IWGRP : mode;
		switch (otherWriterOf({ uid, mode: counted }, own, "accept")) {
			case "owner":
				return `${quote(path)} belongs to user ${uid}, not to root or you`;
			case "group":
				return `${quote(path)} can be written to by its group`;
			case "everyone":
				return `${quote(path)} can be written to by everyone`;
		}
		if (path === dirname(path)) return undefined;
	}
}

/**
 * Returns the number of this user's own group, if it has no other member. Several distributions give each user such a
 * group and let it write to the user's new files. Returns undefined if the files of users and groups do not say so.
 */
function privateGroup(): number | undefined {
	const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
	try {
		const users = fieldsOf("/etc/passwd");
		const name = users.find((fields) => fields[2] === String(uid))?.[0];
		const isOthers = users.some((fields) => fields[3] === String(gid) && fields[2] !== String(uid));
		const group = fieldsOf("/etc/group").find((fields) => fields[2] === String(gid));
		if (name === undefined || group === undefined || isOthers) return undefined;
		return group[3].split(",").every((member) => member === "" || member === name) ? gid : undefined;
	} catch {
		return undefined;
	}
}

function fieldsOf(file: string): string[][] {
	const lines = readFileSync(file, "utf8").split("\n");
	return lines.map((line) => line.split(":")).filter(({ length }) => length >= 4);
}
