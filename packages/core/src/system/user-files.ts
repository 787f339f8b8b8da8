/** Determines the paths of the files that sigtool keeps for a user: the trust store, the identities and the cache. */

import { homedir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { SigtoolError } from "../errors.js";

/**
 * Returns `$XDG_CONFIG_HOME/sigtool`, by default `~/.config/sigtool`, or on Windows `%APPDATA%\sigtool`. The path is
 * always absolute. With a relative path, everyone who can write to the current directory could decide whom this user
 * trusts.
 * @throws ERR_CONFIG if neither the environment nor the system names a home directory
 */
export function configDirectory(): string {
	const isWindows = process.platform === "win32";
	// The XDG Base Directory Specification says to ignore a relative path.
	const configured = (isWindows ? process.env.APPDATA : process.env.XDG_CONFIG_HOME) ?? "";
	if (isAbsolute(configured)) return join(configured, "sigtool");
	return join(homeDirectory(), ...(isWindows ? ["AppData", "Roaming"] : [".config"]), "sigtool");
}

/**
 * Returns `$XDG_CACHE_HOME/sigtool`, by default `~/.cache/sigtool`, or on Windows `%LOCALAPPDATA%\sigtool\cache`. The path
 * is always absolute. Everything below it may be removed at any time.
 * @throws ERR_CONFIG if neither the environment nor the system names a home directory
 */
export function cacheDirectory(): string {
	const isWindows = process.platform === "win32";
	const below = isWindows ? ["sigtool", "cache"] : ["sigtool"];
	const configured = (isWindows ? process.env.LOCALAPPDATA : process.env.XDG_CACHE_HOME) ?? "";
	if (isAbsolute(configured)) return join(configured, ...below);
	return join(homeDirectory(), ...(isWindows ? ["AppData", "Local"] : [".cache"]), ...below);
}

/** Returns true if `configDirectory` finds a directory. */
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

/** Returns the directory that contains a directory for each identity. */
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

/** The name of the identity that sigtool makes for a user who has no key. */
export const DEVELOPMENT_IDENTITY = "development";

/**
 * The certificate of an identity becomes valid this number of milliseconds before it is made, so that it is valid even
 * if the clock is set back.
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
