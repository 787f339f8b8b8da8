/** Examines what the kernel and the mounts of this host give to launched processes. */

import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { mountOptions } from "@sigtool/core/internal";
import { COMMAND } from "@sigtool/core/internal/errors";
import { hostDocument, wantsCollector } from "./derived-settings.js";
import { judged, type LauncherFinding, note, refuse, wrong } from "./finding.js";
import { signedCodeBelow } from "./granted-code.js";
import type { LauncherConf } from "./launcher-conf.js";
import { protectionsOf } from "./protections.js";

/**
 * Tells which options are missing on the mount of a directory that the program may write below, or that signed native
 * code lies in it.
 */
export function grantedFinding(directory: string, conf: LauncherConf): LauncherFinding {
	let options: readonly string[] = [];
	const found = judged("write", () => {
		const code = signedCodeBelow(directory, conf);
		if (code !== undefined)
			refuse(`${directory} holds signed native code, ${code}, so no process starts; grant a directory without it`);
		options = mountOptions(directory);
		return directory;
	});
	const missing = Object.entries(MOUNT_RISKS).filter(([option]) => !options.includes(option));
	if (found.status === "wrong" || missing.length === 0) return found;
	return note(
		"write",
		`${directory}: its mount is ${missing.map(([option, risk]) => `not ${option}, so ${risk}`).join("; ")}`,
	);
}

/** The risk of a mount without each option, with the way out if it stops a start. */
const MOUNT_RISKS = {
	nosuid: "mode strict does not start as root: mount it with nosuid, or run as another user",
	noexec: "signed native code could map as code what is written there",
} as const;

/** Returns a finding for each protection of the kernel that the settings ask for. */
export function protectionFindings(conf: LauncherConf, launcher: string): LauncherFinding[] {
	const { connect, bind, sockets } = conf.network;
	const isAsked: Readonly<Record<string, boolean>> = {
		"landlock-network": connect !== undefined || bind !== undefined,
		"landlock-sockets": sockets !== undefined,
		"writable-code": conf.python !== undefined && conf.writableCode === "refuse",
	};
	return protectionsOf(launcher)
		.filter(({ name }) => isAsked[name] !== false)
		.map(({ name, since, required, holds, effect }) => {
			if (holds) return { what: name, status: "ok", says: `${effect} (Linux ${since})` };
			const without = `missing: it ${effect}, since Linux ${since}`;
			return required && conf.mode === "strict"
				? wrong(name, `${without}; mode strict does not start`)
				: note(name, without);
		});
}

/**
 * Checks that the directory of the events file exists. The file need not exist, because the launcher, or the first
 * process that appends to the file, creates it.
 */
export function eventsFinding(file: string, { collector, config }: LauncherConf): LauncherFinding {
	const directory = dirname(file);
	const found = judged("events", () => {
		if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) refuse(`${file} is a directory: name a file in it`);
		return existsSync(directory)
			? file
			: refuse(`${directory} does not exist: make it, for the application's user to write in`);
	});
	if (found.status !== "wrong" && collector) return { ...found, says: `${file}, which only a collector writes` };
	if (found.status !== "wrong" && !holdsOthers(directory, basename(file))) {
		const mend = wantsCollector(config)
			? "install the launcher again, with an addon and a spython of this release"
			: "set audit.collector, and install the launcher again";
		return note("events", `${file}: the process writes it, and can overwrite what it wrote; ${mend}`);
	}
	// events-directory.c of the launcher judges alike.
	if (found.status === "wrong" || !holdsOthers(directory, basename(file))) return found;
	return note(
		"events",
		`${file}: a running process cannot open it again after a rotation, because ${directory} holds other files`,
	);
}

/** Tells that no file of events is asked for. One that is asked for, but not installed, is a matter of the flags. */
export function missingEventsFindings({ audit, config }: LauncherConf, again: string): LauncherFinding[] {
	if (audit !== undefined || hostDocument(config)?.audit.jsonLines !== undefined) return [];
	const mend = `set audit.jsonLines in ${config}, and run \`${again}\` as root`;
	return [note("events", `no file keeps them, so \`${COMMAND} log\` has nothing to show: ${mend}`)];
}

/** Tells whether a directory holds anything but this file. A directory that cannot be read is not judged. */
function holdsOthers(directory: string, file: string): boolean {
	try {
		return readdirSync(directory).some((name) => name !== file);
	} catch {
		return false;
	}
}
