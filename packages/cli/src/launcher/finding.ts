/** Makes findings about an installed launcher. */

import { resolve } from "node:path";
import { errnoReason, ioError, reasonOf, SigtoolError } from "@sigtool/core/internal/errors";
import { faultOfFile } from "@sigtool/verifier/internal";
import { type LauncherConf, type PinnedFile, pin } from "./launcher-conf.js";

/** The status `note` means that nothing is wrong, but that the administrator should know about the fact. */
export interface LauncherFinding {
	readonly what: string;
	readonly status: "ok" | "wrong" | "note";
	readonly says: string;
}

/** `mend` says what to do about another digest. */
export function pinned(
	what: string,
	file: PinnedFile,
	development: LauncherConf["development"],
	mend: string,
	announced: readonly string[] = [],
): LauncherFinding {
	return judged(what, () => {
		const { path, sha256 } = pin(file.path);
		if (path !== file.path) refuse(`${file.path} is a link to ${path}`);
		const isUpgraded = sha256 !== file.sha256;
		if (isUpgraded && !announced.includes(sha256)) refuse(`${file.path} changed: its SHA-256 is ${sha256}; ${mend}`);
		const short = `sha256 ${sha256.slice(0, 16)}…${isUpgraded ? ", as announced" : ""}`;
		return fault(file.path, development) ?? `${file.path}, ${short}`;
	});
}

/** Throws if sigtool-launch would refuse the file. The result is always undefined, so that a call can stand before `??`. */
export function fault(file: string, development: LauncherConf["development"]): undefined {
	const sticky = development === "allow" ? "accept" : "refuse";
	let found: string | undefined;
	try {
		found = faultOfFile(resolve(file), { development, sticky });
	} catch (cause) {
		throw ioError("look at", file, cause);
	}
	return found === undefined ? undefined : refuse(found);
}

export function judged(what: string, look: () => string): LauncherFinding {
	try {
		return { what, status: "ok", says: look() };
	} catch (error) {
		return wrong(what, why(error));
	}
}

export function refuse(reason: string): never {
	throw new SigtoolError("ERR_LAUNCHER", reason);
}

export function why(error: unknown): string {
	if (error instanceof SigtoolError) return `${reasonOf(error)} [${error.code}]`;
	return error instanceof SyntaxError ? `it is not JSON: ${error.message}` : errnoReason(error);
}

export function wrong(what: string, says: string): LauncherFinding {
	return { what, status: "wrong", says };
}

export function note(what: string, says: string): LauncherFinding {
	return { what, status: "note", says };
}
