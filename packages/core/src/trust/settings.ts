/**
 * Reads the host configuration and the launcher configuration from the bytes of their files. policy.ts reads the
 * policy, which can also be a part of a trust index.
 */

import { type ErrorCode, quote, SigtoolError } from "../errors.js";
import { positionInJson } from "./json-position.js";
import {
	HOST,
	type HostDocument,
	LAUNCHER,
	type LauncherDocument,
	MAX_HOST_BYTES,
	MAX_LAUNCHER_BYTES,
	MAX_SHARED_BYTES,
	SHARED,
	type SharedDocument,
} from "./schema.js";
import { parseKeyLines, parseStrictJson } from "./settings-text.js";
import { type Refusal, readShape } from "./shape.js";

/**
 * Reads a host configuration, `verifier.json`.
 * @throws ERR_HOST_CONFIG with a message that names the file and the refused member
 */
export function hostFromFileBytes(bytes: Uint8Array, file: string): HostDocument {
	const refuse = refusalInText("ERR_HOST_CONFIG", `host configuration ${quote(file)}`, bytes, file);
	return readShape(HOST, parseStrictJson(bytes, MAX_HOST_BYTES, refuse), refuse);
}

/**
 * Reads a launcher configuration, `launcher.conf`. @throws ERR_CONFIG with a message that names the file and the
 * refused key
 */
export function launcherFromFileBytes(bytes: Uint8Array, file: string): LauncherDocument {
	const refuse = refusalFor("ERR_CONFIG", quote(file), file);
	return readShape(LAUNCHER, parseKeyLines(LAUNCHER, bytes, MAX_LAUNCHER_BYTES, refuse), refuse);
}

/**
 * Reads the record of a shared index. @throws ERR_CONFIG with a message that names the file and the refused key
 */
export function sharedFromFileBytes(bytes: Uint8Array, file: string): SharedDocument {
	const refuse = refusalFor("ERR_CONFIG", quote(file), file);
	return readShape(SHARED, parseKeyLines(SHARED, bytes, MAX_SHARED_BYTES, refuse), refuse);
}

/**
 * Returns a function that makes errors about one document. Each error has the code `code`, and its message names the
 * document (`what`) and the refused member.
 */
export function refusalFor(code: ErrorCode, what: string, path?: string): Refusal {
	return (at, reason, options) => {
		const member = at === "" ? "" : `${quote(at)} `;
		return new SigtoolError(code, `Cannot use ${what}: ${member}${reason}`, { path, ...options });
	};
}

/** Does what `refusalFor` does, for JSON in a file. A message about a member also has its line and column. */
export function refusalInText(code: ErrorCode, what: string, bytes: Uint8Array, path: string): Refusal {
	const refuse = refusalFor(code, what, path);
	return (at, reason, options) => {
		const position = at === "" ? undefined : positionInJson(Buffer.from(bytes).toString("utf8"), at);
		const where = position === undefined ? "" : ` (line ${position.line}, column ${position.column})`;
		return refuse(at, `${reason}${where}`, options);
	};
}
