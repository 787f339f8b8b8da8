/** Finds the directories that a logged run wrote to. */

import { dirname, isAbsolute, resolve } from "node:path";
import { type LoggedEvent, textOf } from "../events/event.js";

export interface Written {
	/** The paths that were written to. */
	readonly files: Set<string>;
	/** The directories that the run made. They are not there when the next run starts, so nobody can grant them. */
	readonly made: Set<string>;
	/** The relative ones among them, as the program named them. */
	readonly relative: Set<string>;
}

export function nothingWritten(): Written {
	return { files: new Set(), made: new Set(), relative: new Set() };
}

/** Adds the path of an event that tells of writing. `directory` is the working directory of the run, if it is known. */
export function observeWriting(event: LoggedEvent, written: Written, directory: string | undefined): void {
	const path = writtenPath(event);
	if (path === undefined) return;
	if (!isAbsolute(path)) written.relative.add(path);
	if (!isAbsolute(path) && directory === undefined) return;
	const file = resolve(directory ?? "/", path);
	written.files.add(file);
	if (event.event === "python.os.mkdir") written.made.add(file);
}

function writtenPath(event: LoggedEvent): string | undefined {
	if (event.event === "fs.open") {
		return /[wa+]/.test(textOf(event, "flags") ?? "") ? textOf(event, "path") : undefined;
	}
	const detail = textOf(event, "detail");
	if (detail === undefined) return undefined;
	switch (event.event) {
		case "python.open": {
			// The arguments are path, mode and flags. A number in place of the path is a descriptor.
			const [, path = "", mode = "", flags = "0"] = /^(.+), ([^,]*), (-?\d+)$/s.exec(detail) ?? [];
			const isWriting = mode === "None" ? (Number(flags) & ACCESS_MODE) !== 0 : /[wax+]/.test(mode);
			return isWriting && !/^\d*$/.test(path) ? path : undefined;
		}
		case "python.os.mkdir":
			return /^(.+), -?\d+, -1$/s.exec(detail)?.[1];
		case "python.os.remove":
			return /^(.+), -1$/s.exec(detail)?.[1];
		case "python.sqlite3.connect":
			// A database in memory has no file, and neither has a temporary one, whose name is empty.
			return /^(:memory:|file:.*)?$/s.test(detail) ? undefined : detail;
		default:
			return undefined;
	}
}

/** O_WRONLY and O_RDWR. */
const ACCESS_MODE = 3;

/**
 * Returns the directories that have to be there and writable, without those below another. Devices and processes are no
 * files to grant.
 */
export function directoriesToGrant({ files, made }: Written): string[] {
	const directories = new Set<string>();
	for (const file of files) {
		if (/^\/(?:dev(?!\/shm\/)|proc|sys)\//.test(file)) continue;
		let directory = dirname(file);
		while (made.has(directory)) directory = dirname(directory);
		if (directory !== "/") directories.add(directory);
	}
	const all = [...directories].sort();
	return all.filter((directory) => !all.some((other) => directory.startsWith(`${other}/`)));
}
