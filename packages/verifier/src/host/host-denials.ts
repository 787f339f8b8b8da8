import { readFileSync } from "node:fs";
import { readHostConfiguration } from "./config.js";

/** One entry of the host configuration's deny list. `sha256` is in lower-case hexadecimal. */
export interface HostDenial {
	readonly kind: "file" | "key" | "certificate" | "catalog";
	readonly sha256: string;
	/** One line of text. */
	readonly reason: string;
}

/**
 * Returns the new text of a host configuration with these denials added. A new denial replaces a denial of the same
 * kind and digest. The present file must be valid, and may belong to this user.
 * @throws an error with code ERR_HOST_CONFIG, or the system's error
 */
export function hostConfigurationDenying(file: string, denials: readonly HostDenial[]): string {
	const { deny } = readHostConfiguration({ file, development: "allow" });
	const others = deny.filter(({ kind, sha256 }) => !denials.some((one) => one.kind === kind && one.sha256 === sha256));
	// readHostConfiguration() has validated this file, so it is parsed without another check.
	const document: object = JSON.parse(readFileSync(file, "utf8"));
	const entries = [...others, ...denials].map(({ kind, sha256, reason }) => ({ [kind]: sha256, reason }));
	return `${JSON.stringify({ ...document, deny: entries }, null, "\t")}\n`;
}
