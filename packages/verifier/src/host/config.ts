/**
 * The host configuration: whom this machine trusts to say what may run. The table of its members is core's
 * trust/schema.ts, from which the C reader's is generated.
 *
 * Only whoever owns the machine may write it: the file and every directory above it belong to root and nobody else can
 * write to them. In development it may be the user's own.
 */

import { join, resolve } from "node:path";
import {
	certificatesFromFileBytes,
	configDirectory,
	DENIED_KINDS,
	type Denial,
	type HostDocument,
	hostFromFileBytes,
	MAX_HOST_BYTES,
	normalizeNameText,
	quote,
	SigtoolError,
	type TrustedAuthority,
	type TrustedPin,
	type TrustPolicy,
} from "@sigtool/core/read";
import { readOwnedFile } from "./owned-file.js";

/** Whether what this machine's user made for himself counts: his own files, his development identity. */
export type Development = "refuse" | "allow";
export type OnRefusal = NonNullable<HostDocument["onRefusal"]>;
export type BoundProduct = HostDocument["products"][number];
export type AuditSettings = HostDocument["audit"];

/** The document, with what it refers to read. */
export interface HostConfiguration extends Omit<HostDocument, "version" | "pins" | "authorities" | "deny"> {
	/** The file it was read from. */
	readonly file: string;
	readonly trust: TrustPolicy;
	readonly deny: readonly Denial[];
}

export interface HostConfigurationOptions {
	/** `allow` also accepts files of this user, and looks under `$XDG_CONFIG_HOME/sigtool` first. Default `refuse`. */
	readonly development?: Development;
	/** In place of the usual one. */
	readonly file?: string;
}

export const HOST_CONFIGURATION_FILE = "/etc/sigtool/verifier.json";

/** @throws ERR_HOST_CONFIG, which names the file, and the member or the owner that is wrong */
export function readHostConfiguration(options: HostConfigurationOptions = {}): HostConfiguration {
	const found = findHostConfiguration(options);
	if (found !== undefined) return found;
	const file = options.file ?? HOST_CONFIGURATION_FILE;
	const message = `Cannot use host configuration ${quote(file)}: it does not exist; \`sigtool launcher install\` writes one`;
	throw new SigtoolError("ERR_HOST_CONFIG", message, { path: file });
}

/** As `readHostConfiguration`; undefined when there is none. */
export function findHostConfiguration(options: HostConfigurationOptions = {}): HostConfiguration | undefined {
	const { development = "refuse", file: given } = options;
	const own = development === "allow" ? [join(configDirectory(), "verifier.json")] : [];
	for (const file of given === undefined ? [...own, HOST_CONFIGURATION_FILE] : [resolve(given)]) {
		const bytes = readOwnedFile(file, { development, maxBytes: MAX_HOST_BYTES });
		if (bytes !== undefined) return parseHostConfiguration(bytes, file, development);
	}
	return undefined;
}

/** For a program that brings its own trust: no bounds, no sinks; of a deny list what the trust has. */
export function configurationOf(trust: TrustPolicy): HostConfiguration {
	return {
		file: HOST_CONFIGURATION_FILE,
		mode: undefined,
		onRefusal: undefined,
		trust,
		products: [],
		deny: trust.deny ?? [],
		index: undefined,
		policy: undefined,
		launcher: undefined,
		audit: { jsonLines: undefined, stderr: "off", syslog: false },
	};
}

function parseHostConfiguration(bytes: Uint8Array, file: string, development: Development): HostConfiguration {
	const { version: _, pins, authorities, deny: denials, ...rest } = hostFromFileBytes(bytes, file);
	const deny = denials.flatMap(denialsOf);
	return {
		...rest,
		deny,
		file,
		trust: {
			pins: new Map(pins.map(pinOf)),
			authorities: authorities.map((each, index) => {
				return authorityOf(each, development, (reason) => {
					const message = `Cannot use host configuration ${quote(file)}: "$.authorities[${index}]" ${reason}`;
					return new SigtoolError("ERR_HOST_CONFIG", message, { path: file });
				});
			}),
			deny,
			mend: `add its key to "pins" in ${quote(file)} if it may sign for this host`,
		},
	};
}

function pinOf({ "spki-sha256": spkiSha256, name }: HostDocument["pins"][number]): [string, TrustedPin] {
	return [spkiSha256, { label: name ?? `key ${spkiSha256.slice(0, 16)}`, source: "option" }];
}

/** One: the schema has exactly one of the kinds. */
function denialsOf({ reason, ...digests }: HostDocument["deny"][number]): Denial[] {
	return DENIED_KINDS.flatMap((kind) => {
		const sha256 = digests[kind];
		return sha256 === undefined ? [] : [{ kind, sha256, reason }];
	});
}

function authorityOf(
	{ certificate: path, subject: given }: HostDocument["authorities"][number],
	development: Development,
	refuse: (reason: string) => Error,
): TrustedAuthority {
	const bytes = readOwnedFile(path, { development, maxBytes: MAX_HOST_BYTES });
	if (bytes === undefined) throw refuse(`names ${quote(path)}, which does not exist`);
	const [certificate, ...others] = certificatesFromFileBytes(bytes);
	if (certificate === undefined || others.length > 0) throw refuse("must name a file with one certificate");
	const subject = normalizeNameText(given);
	if (subject === undefined) throw refuse('must have a subject, such as "CN=Release,O=Example"');
	return { certificate, subject, label: certificate.subject.text, source: "option" };
}
