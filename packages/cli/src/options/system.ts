import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "./usage.js";

const NAMES: Readonly<Record<string, string>> = { darwin: "macOS", linux: "Linux", win32: "Windows" };

/**
 * Requires one of the systems for which a command exists.
 * @throws ERR_UNSUPPORTED_PLATFORM
 */
export function requireSystem(command: string, systems: readonly NodeJS.Platform[]): void {
	if (systems.includes(process.platform)) return;
	const nameOf = (system: string) => NAMES[system] ?? system;
	const others = systems.map(nameOf).join(" and ");
	const message = `Cannot use \`sigtool ${command}\` on ${nameOf(process.platform)}: it exists on ${others} only; commands such as sign and verify work here`;
	throw new SigtoolError("ERR_UNSUPPORTED_PLATFORM", message);
}

/**
 * Refuses patterns with backslashes between names on Windows. In a pattern, a backslash takes the next character
 * literally, so `lib\*` would match nothing, and --exclude would leave nothing out without a word.
 * @throws ERR_USAGE
 */
export function requireSlashes(patterns: readonly string[]): void {
	const wrong = process.platform === "win32" ? patterns.find((pattern) => SEPARATOR.test(pattern)) : undefined;
	if (wrong === undefined) return;
	throw usageError(`Cannot use pattern ${quote(wrong)}: write "/" between names in patterns, on Windows too`);
}

/** Matches a backslash before a character that needs none to be taken literally, or that no name on Windows has. */
const SEPARATOR = /\\(?![[\]{}()!#+@ ])/;
