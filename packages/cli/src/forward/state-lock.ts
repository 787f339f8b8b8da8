/**
 * Keeps two forwarders from using one state file: each would write over the places of the other. Node.js has no lock of
 * the kernel, so a file beside the state names the process that uses it. The file of a process that is gone does not count.
 * Nor does that of a process which this one may not see, because a service whose /proc hides the processes of others could
 * otherwise not start while one of them has the number of a process that is gone.
 */

import { linkSync, readFileSync, realpathSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ioError, isErrnoException, quote, SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "../options/usage.js";

/** Gives the state back. Does not throw. */
export type Release = () => void;

/** Takes the state for this process. @throws ERR_USAGE if another process uses it; ERR_IO */
export function lockState(state: string): Release {
	try {
		const file = join(realpathSync(dirname(resolve(state))), basename(state));
		return take(`${file}.lock`, state);
	} catch (cause) {
		throw cause instanceof SigtoolError ? cause : ioError("write", `${state}.lock`, cause);
	}
}

function take(lock: string, state: string): Release {
	const own = `${lock}.${process.pid}`;
	const holder = describe(process.pid);
	writeFileSync(own, holder, { mode: 0o600 });
	try {
		// A file appears under its name with its content, so nobody reads a part of it.
		while (!isNew(own, lock)) {
			const found = contentOf(lock);
			if (found !== undefined && isRunning(found)) throw inUse(state, found);
			if (found !== undefined) removeStale(lock, found, `${own}.stale`);
		}
	} finally {
		unlinkSync(own);
	}
	return () => {
		if (contentOf(lock) === holder) remove(lock);
	};
}

function isNew(own: string, lock: string): boolean {
	try {
		linkSync(own, lock);
		return true;
	} catch (cause) {
		if (isErrnoException(cause) && cause.code === "EEXIST") return false;
		throw cause;
	}
}

/** Returns undefined if the file is gone. */
function contentOf(lock: string): string | undefined {
	try {
		return readFileSync(lock, "utf8");
	} catch (cause) {
		if (isErrnoException(cause) && cause.code === "ENOENT") return undefined;
		throw cause;
	}
}

/** Removes the file of a process that is gone. If another process has taken the lock meanwhile, its file stays. */
function removeStale(lock: string, found: string, aside: string): void {
	try {
		renameSync(lock, aside);
	} catch (cause) {
		if (isErrnoException(cause) && cause.code === "ENOENT") return;
		throw cause;
	}
	if (contentOf(aside) !== found) isNew(aside, lock);
	remove(aside);
}

function remove(file: string): void {
	try {
		unlinkSync(file);
	} catch {
		// The next start finds that this process is gone.
	}
}

/** Returns a text that no later process with the same number has. */
function describe(pid: number): string {
	return `${pid} ${startOf(pid)}\n`;
}

/** Returns when a process started, in ticks since the start of the machine, or `-` where no file tells. */
function startOf(pid: number): string {
	try {
		const text = readFileSync(`/proc/${pid}/stat`, "utf8");
		// The name of the program stands in parentheses, and may have any characters. The 20th field behind it is the time.
		return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
	} catch {
		return "-";
	}
}

function isRunning(found: string): boolean {
	const [, number] = /^(\d{1,10}) \S+\n$/.exec(found) ?? [];
	if (number === undefined) return false;
	const pid = Number(number);
	// The file is from before. In a new container a process can have the same number, and the same start.
	if (pid === process.pid) return false;
	try {
		process.kill(pid, 0);
	} catch (cause) {
		if (!isErrnoException(cause) || cause.code !== "EPERM") return false;
	}
	return found === describe(pid);
}

function inUse(state: string, found: string): SigtoolError {
	return usageError(
		`Cannot use the state ${quote(state)}: process ${found.split(" ")[0]} forwards with it; end that one, or give this one a --state of its own`,
	);
}
