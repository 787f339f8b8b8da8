/** Paths of the files that sigtool keeps for a user: the trust store and the identities. */

import { homedir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { SigtoolError } from "../errors.js";

/**
 * Returns `$XDG_CONFIG_HOME/sigtool`, by default `~/.config/sigtool`; on Windows `%APPDATA%\sigtool`. The path is
 * always absolute: under a relative one, whoever writes to the current directory would decide whom this user trusts.
 * @throws ERR_CONFIG when neither the environment nor the system names a home directory
 */
export function configDirectory(): string {
	const isWindows = process.platform === "win32";
	// The XDG Base Directory Specification says to ignore a relative path.
	const configured = (isWindows ? process.env.APPDATA : process.env.XDG_CONFIG_HOME) ?? "";
	if (isAbsolute(configured)) return join(configured, "sigtool");
	return join(homeDirectory(), ...(isWindows ? ["AppData", "Roaming"] : [".config"]), "sigtool");
}

/** Returns true when `configDirectory` finds a directory. */
export function hasHome(): boolean {
	try {
		configDirectory();
		return true;
	} catch (error) {
		if (error instanceof SigtoolError) return false;
		throw error;
	}
}

/** Returns the path of the trust store. */
export function trustFile(): string {
	return join(configDirectory(), "trust.json");
}

/** Returns the directory that holds a directory for each identity. */
export function identitiesDirectory(): string {
	return join(configDirectory(), "identities");
}

export interface IdentityFiles {
	readonly directory: string;
	/** The private key, as PKCS#8 in PEM. */
	readonly keyFile: string;
	/** The certificate in PEM, followed by its issuers. */
	readonly certificateFile: string;
}

export function identityFiles(name: string): IdentityFiles {
	const directory = join(identitiesDirectory(), name);
	return { directory, keyFile: join(directory, "key.pem"), certificateFile: join(directory, "certificate.pem") };
}

/** Name of the identity that sigtool makes for a user who has no key. */
export const DEVELOPMENT_IDENTITY = "development";

/**
 * The certificate of an identity becomes valid this long before it is made, so that a clock that is set back does not
 * make it invalid.
 */
export const IDENTITY_BACKDATE_MS = 86_400_000;

/** Returns $HOME, or else the home directory in the system's user database. */
function homeDirectory(): string {
	for (const source of [homedir, () => userInfo().homedir]) {
		try {
			const home = source();
			if (isAbsolute(home)) return home;
		} catch {
			// The user has no entry in the password file, as in many containers.
		}
	}
	const message = "Cannot find your home directory: set HOME, or XDG_CONFIG_HOME, to an absolute path";
	throw new SigtoolError("ERR_CONFIG", message);
}
