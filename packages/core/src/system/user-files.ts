/** Determines the paths of the files that sigtool keeps for a user: the trust store, the identities and the cache. */

import { homedir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { SigtoolError } from "../errors.js";

/**
 * Returns `$XDG_CONFIG_HOME/sigtool`, by default `~/.config/sigtool`, or on Windows `%APPDATA%\sigtool`. The result is
 * always an absolute path. A relative one would depend on the current directory, so everyone who can write to that
 * directory could decide whom this user trusts.
 * @throws ERR_CONFIG if neither the environment nor the system names a home directory
 */
export function configDirectory(): string {
	const isWindows = process.platform === "win32";
	// The XDG Base Directory Specification says to ignore a relative path in the environment variable.
	const configured = (isWindows ? process.env.APPDATA : process.env.XDG_CONFIG_HOME) ?? "";
	if (isAbsolute(configured)) return join(configured, "sigtool");
	return join(homeDirectory(), ...(isWindows ? ["AppData", "Roaming"] : [".config"]), "sigtool");
}

/**
 * Returns `$XDG_CACHE_HOME/sigtool`, by default `~/.cache/sigtool`, or on Windows `%LOCALAPPDATA%\sigtool\cache`. The
 * result is always an absolute path. The user may remove everything below it at any time.
 * @throws ERR_CONFIG if neither the environment nor the system names a home directory
 */
export function cacheDirectory(): string {
	const isWindows = process.platform === "win32";
	const below = isWindows ? ["sigtool", "cache"] : ["sigtool"];
	const configured = (isWindows ? process.env.LOCALAPPDATA : process.env.XDG_CACHE_HOME) ?? "";
	if (isAbsolute(configured)) return join(configured, ...below);
	return join(homeDirectory(), ...(isWindows ? ["AppData", "Local"] : [".cache"]), ...below);
}

/** Returns true if `configDirectory` returns a path and does not throw. The directory itself need not exist. */
export function hasHome(): boolean {
	try {
		configDirectory();
		return true;
	} catch (error) {
		if (error instanceof SigtoolError) return false;
		throw error;
	}
}

/** Returns the path of this user's trust store. The file may not exist yet. */
export function trustFile(): string {
	return join(configDirectory(), "trust.json");
}

/** Returns the directory in which each identity has a directory of its own. */
export function identitiesDirectory(): string {
	return join(configDirectory(), "identities");
}

export interface IdentityFiles {
	readonly directory: string;
	/** The path of the private key, PKCS#8 in PEM. */
	readonly keyFile: string;
	/** The path of the certificate in PEM, followed by the certificates of its issuers. */
	readonly certificateFile: string;
}

export function identityFiles(name: string): IdentityFiles {
	const directory = join(identitiesDirectory(), name);
	return { directory, keyFile: join(directory, "key.pem"), certificateFile: join(directory, "certificate.pem") };
}

/** The name of the identity that sigtool makes for a user who has no key. */
export const DEVELOPMENT_IDENTITY = "development";

/**
 * A new certificate of an identity is already valid since one day (in milliseconds), so that it is valid on machines
 * whose clocks are up to a day behind.
 */
export const IDENTITY_BACKDATE_MS = 86_400_000;

/**
 * Returns the home directory that the environment names (`$HOME`, on Windows `%USERPROFILE%`) if its path is absolute.
 * Otherwise returns the one in the system's user database.
 * @throws ERR_CONFIG if neither path is absolute
 */
function homeDirectory(): string {
	for (const source of [homedir, () => userInfo().homedir]) {
		try {
			const home = source();
			if (isAbsolute(home)) return home;
		} catch {
			// The user database has no entry for this user, as in many containers.
		}
	}
	const message = "Cannot find your home directory: set HOME, or XDG_CONFIG_HOME, to an absolute path";
	throw new SigtoolError("ERR_CONFIG", message);
}
