/** Where sigtool keeps what belongs to a user: trust and identities. */

import { homedir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { SigtoolError } from "../errors.js";

/**
 * `$XDG_CONFIG_HOME/sigtool`, by default `~/.config/sigtool`; `%APPDATA%\sigtool` on Windows. Never relative: whoever
 * writes to the current directory would decide whom this user trusts.
 * @throws ERR_CONFIG when neither the environment nor the system names a home
 */
export function configDirectory(): string {
	const isWindows = process.platform === "win32";
	// XDG Base Directory Specification: a relative path is to be ignored.
	const configured = (isWindows ? process.env.APPDATA : process.env.XDG_CONFIG_HOME) ?? "";
	if (isAbsolute(configured)) return join(configured, "sigtool");
	return join(homeDirectory(), ...(isWindows ? ["AppData", "Roaming"] : [".config"]), "sigtool");
}

/** Whether there can be a configuration directory. */
export function hasHome(): boolean {
	try {
		configDirectory();
		return true;
	} catch (error) {
		if (error instanceof SigtoolError) return false;
		throw error;
	}
}

/** Where the trust store is. */
export function trustFile(): string {
	return join(configDirectory(), "trust.json");
}

/** Where the identities are, a directory each. */
export function identitiesDirectory(): string {
	return join(configDirectory(), "identities");
}

export interface IdentityFiles {
	readonly directory: string;
	/** PKCS#8 in PEM, and the certificate in PEM. */
	readonly keyFile: string;
	readonly certificateFile: string;
}

export function identityFiles(name: string): IdentityFiles {
	const directory = join(identitiesDirectory(), name);
	return { directory, keyFile: join(directory, "key.pem"), certificateFile: join(directory, "certificate.pem") };
}

/** The identity made for a user who has no key. */
export const DEVELOPMENT_IDENTITY = "development";

/** An identity's certificate is valid from so long before it was made: a clock that is set back must not end it. */
export const IDENTITY_BACKDATE_MS = 86_400_000;

/** $HOME, else what the system's user database says. */
function homeDirectory(): string {
	for (const source of [homedir, () => userInfo().homedir]) {
		try {
			const home = source();
			if (isAbsolute(home)) return home;
		} catch {
			// No entry in the password file, as in many containers.
		}
	}
	const message = "Cannot find your home directory: set HOME, or XDG_CONFIG_HOME, to an absolute path";
	throw new SigtoolError("ERR_CONFIG", message);
}
