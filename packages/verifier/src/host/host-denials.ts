/** A host configuration with more on its deny list, for who may write it. */

import { readFileSync } from "node:fs";
import { readHostConfiguration } from "./config.js";

/** As in the host configuration; `sha256` in lowercase hexadecimal. */
export interface HostDenial {
	readonly kind: "file" | "key" | "certificate" | "catalog";
	readonly sha256: string;
	/** One line. */
	readonly reason: string;
}

/**
 * What the file is to hold: all it has, laid out anew, with these denials in place of those of the same things. It must be
 * one that runtimes take; files of this user's own count.
 * @throws Error with code ERR_HOST_CONFIG, or that of the system
 */
export function hostConfigurationDenying(file: string, denials: readonly HostDenial[]): string {
	const { deny } = readHostConfiguration({ file, development: "allow" });
	const others = deny.filter(({ kind, sha256 }) => !denials.some((one) => one.kind === kind && one.sha256 === sha256));
	const document: object = JSON.parse(readFileSync(file, "utf8")); // As it was just read.
	const entries = [...others, ...denials].map(({ kind, sha256, reason }) => ({ [kind]: sha256, reason }));
	return `${JSON.stringify({ ...document, deny: entries }, null, "\t")}\n`;
}
