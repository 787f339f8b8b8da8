/** Turns the members of a configuration into the values of options, as a user would type them. */

import { existsSync, realpathSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { parsePkcs11Uri } from "@sigtool/core";
import { quote, reasonOf, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { pathWithin } from "../output/locations.js";
import type { ProjectConfiguration } from "./configuration.js";
import { expandMember } from "./expand-member.js";
import { type Configuration, VARIABLE_PREFIX } from "./members.js";
import { entriesOnWayTo, isBelow } from "./places.js";
import { unfit } from "./read-document.js";

/** The options about the release and its files. Absent members stay undefined. */
export interface ReleaseSettings {
	readonly output?: string;
	readonly product?: string;
	readonly include?: readonly string[];
	readonly exclude?: readonly string[];
	readonly links?: Configuration["links"];
	readonly linksOutside?: Configuration["linksOutside"];
	readonly format?: NonNullable<Configuration["formats"]>;
	readonly description?: string;
	readonly url?: string;
}

export function releaseSettings(configuration: ProjectConfiguration): ReleaseSettings {
	const { output, formats, ...members } = configuration.members;
	const { product, include, exclude, links, linksOutside, description, url } = members;
	return present({
		...{ product, include, exclude, links, linksOutside, description, url },
		output: output && pathOf(configuration, output),
		format: formats,
	});
}

/**
 * Returns the paths of `sign`.
 * @throws ERR_CONFIG if the configuration names none, or if it was found and names a file outside of its directory; the
 * errors of `expandMember`
 */
export async function signedPaths(configuration: ProjectConfiguration): Promise<readonly string[]> {
	const { file, members, places } = configuration;
	const { sign = [], output, verify } = members;
	refuseOutside(configuration, [
		...sign.map((path, index): Named => [`sign[${index}]`, path]),
		...(output === undefined ? [] : [["output", output] as const]),
		...(verify?.catalogs ?? []).map((path, index): Named => [`verify.catalogs[${index}]`, path]),
	]);
	if (sign.length === 0) throw unfit(file, places.get("sign"), `name the files to sign with the member "sign"`);
	return expanded(configuration, "sign", sign);
}

/**
 * Returns the paths of `verify.catalogs`, or undefined if there are none. @throws ERR_CONFIG as `signedPaths` does
 */
export async function verifyingCatalogs(configuration: ProjectConfiguration): Promise<readonly string[] | undefined> {
	const { catalogs } = configuration.members.verify ?? {};
	return catalogs && expanded(configuration, "verify.catalogs", catalogs);
}

/** Expands patterns. Each match must lie in the project too, because it may be a link. */
async function expanded(
	configuration: ProjectConfiguration,
	member: "sign" | "verify.catalogs",
	paths: readonly string[],
): Promise<readonly string[]> {
	const matches = await expandMember(configuration, member, paths);
	refuseOutside(
		configuration,
		[...matches].map(([path, name]) => [name, path]),
	);
	return [...new Set([...matches.keys()].map((path) => pathOf(configuration, path)))];
}

/** The name of a member, and the path that it has. */
type Named = readonly [name: string, path: string];

/**
 * Refuses a configuration that was found, and that would have other files signed, verified or written than those of its
 * project. @throws ERR_CONFIG
 */
function refuseOutside({ file, origin, places }: ProjectConfiguration, named: readonly Named[]): void {
	if (origin !== "found") return;
	const project = realpathSync.native(dirname(file));
	for (const [name, path] of named) {
		const [last = project] = entriesOnWayTo(resolve(dirname(file), path)).slice(-1);
		if (last === project || isBelow(project, last)) continue;
		const reason = `leads out of the directory of a configuration that was found; \`${shell`--config ${file}`}\` allows it`;
		throw unfit(file, places.get(name), `${quote(name)} ${reason}`);
	}
}

/** The options that name a key. */
export interface KeySettings {
	readonly identity?: string;
	readonly key?: string;
	readonly cert?: string;
	readonly chain?: readonly string[];
	readonly p12?: string;
	readonly pkcs11?: string;
	readonly passphraseFile?: string;
	readonly pinFile?: string;
}

/**
 * Returns the options that name the key.
 * @throws ERR_CONFIG for a variable that has no file; ERR_CONFIG for a PKCS#11 URI that names a module, because a
 * module is a program
 */
export function keySettings(configuration: ProjectConfiguration): KeySettings {
	const { file, members, places } = configuration;
	const { identity, key: named } = members;
	if (named === undefined) return present({ identity });
	const { key, cert, chain, p12, pkcs11, passphraseFile, pinFile } = named;
	if (p12 !== undefined && cert !== undefined) {
		throw unfit(file, places.get("key.cert"), `"key.cert" must not be beside "key.p12", which has the certificate`);
	}
	const fault = pkcs11 === undefined ? undefined : uriFault(pkcs11);
	if (fault !== undefined) throw unfit(file, places.get("key.pkcs11"), `"key.pkcs11" ${fault}`);
	const fileAt = (name: string, value: string | undefined) => value && fileOf(configuration, `key.${name}`, value);
	return present({
		key: fileAt("key", key),
		cert: fileAt("cert", cert),
		chain: chain?.map((each, index) => fileOf(configuration, `key.chain[${index}]`, each)),
		p12: fileAt("p12", p12),
		pkcs11,
		passphraseFile: fileAt("passphraseFile", passphraseFile),
		pinFile: fileAt("pinFile", pinFile),
	});
}

/** Returns why a configuration cannot have the URI of a key, or undefined if it can. */
function uriFault(uri: string): string | undefined {
	try {
		if (parsePkcs11Uri(uri).modulePath === undefined) return undefined;
		return "must not name a module, which is a program; name it with --pkcs11-module";
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		return `is no PKCS#11 URI: ${reasonOf(error)}`;
	}
}

/**
 * Returns a path, relative to the working directory if it lies below, so that messages stay short. Paths in a
 * configuration are relative to the directory of its file.
 */
export function pathOf({ file }: ProjectConfiguration, path: string): string {
	const absolute = resolve(dirname(file), path);
	const shown = pathWithin(".", absolute) ?? absolute;
	return shown === "" ? "." : shown;
}

/**
 * Returns the path of a file that a member names, or that the environment variable has which it names. The value of the
 * variable is not shown, because it can be the secret itself by mistake.
 * @throws ERR_CONFIG
 */
function fileOf(configuration: ProjectConfiguration, name: string, value: string): string {
	if (!value.startsWith(VARIABLE_PREFIX)) return pathOf(configuration, value);
	const variable = value.slice(VARIABLE_PREFIX.length);
	const path = process.env[variable];
	const fault = variableFault(path);
	if (path !== undefined && fault === undefined) return path;
	const { file, places } = configuration;
	const mend = path ? "" : "; set it to the absolute path of the file";
	const reason = `${quote(name)} takes the file from the variable ${quote(variable)}, ${fault}${mend}`;
	throw unfit(file, places.get(name), reason);
}

/** Returns why the value of a variable is not the path of a file, or undefined if it is. */
export function variableFault(path: string | undefined): string | undefined {
	if (path === undefined) return "which is not set";
	if (path === "") return "which is empty";
	if (!isAbsolute(path)) return "whose value is not an absolute path; write the secret to a file, and its path there";
	return existsSync(path) ? undefined : "whose value is not the path of a file that exists";
}

/** Returns the object without its undefined members, so that it can be spread over defaults. */
export function present<T extends object>(members: T): T {
	// The type assertion is safe: the members that are left have the types that they had.
	return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T;
}
