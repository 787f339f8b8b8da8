/**
 * Improves commander's message about an unknown option or command. Suggests only names that are spelled similarly or
 * mean the same.
 */

import { isClose } from "../output/close-names.js";

/** Options and commands of other programs, each with the name that sigtool has for it. */
const FOREIGN: Readonly<Record<string, string>> = {
	"--ca": "--trust",
	"--cacert": "--trust",
	"--cafile": "--trust",
	"--ca-file": "--trust",
	"--pass": "--passphrase-file",
	"--passphrase": "--passphrase-file",
	"--password": "--passphrase-file",
	"--pfx": "--p12",
	"--pin": "--pin-file",
	"--pkcs12": "--p12",
	version: "--version",
};

/**
 * Returns commander's message about an unknown name, with a close suggestion or without any. Returns other messages
 * unchanged. `isKnown` returns true for an option that the given command has.
 */
export function withCloseSuggestion(complaint: string, isKnown: (option: string) => boolean): string {
	const match = /^(unknown (?:option|command) '(.*?)')(?: \(Did you mean (?:one of )?(.*)\?\))?$/s.exec(complaint);
	if (match === null) return complaint;
	const [, unknown, given, suggested = ""] = match;
	const name = given.replace(/=.*/s, "");
	const foreign = Object.hasOwn(FOREIGN, name.toLowerCase()) ? FOREIGN[name.toLowerCase()] : undefined;
	if (foreign !== undefined && isKnown(foreign)) return `${unknown} (use ${foreign})`;
	const close = suggested.split(", ").filter((candidate) => candidate !== "" && isClose(name, candidate));
	return close.length === 0 ? unknown : `${unknown} (Did you mean ${close.join(" or ")}?)`;
}
