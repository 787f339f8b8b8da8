/**
 * Reads the host configuration, which names the signers that this machine trusts. core's trust/schema.ts is the table of
 * its members, and the table of the C reader is generated from it.
 *
 * Only root may be able to write the file. So the file and every directory above it must belong to root, and nobody else
 * may write to them. In development they may also belong to this user.
 */

import { join, resolve } from "node:path";
import {
	COMMAND,
	configDirectory,
	HOST_CONFIGURATION_FILE,
	type HostDocument,
	hostFromFileBytes,
	isCertificateAuthority,
	MAX_HOST_BYTES,
	quote,
} from "@sigtool/core/internal/read";
import {
	type Certificate,
	certificatesFromFileBytes,
	DENIED_KINDS,
	type Denial,
	normalizeNameText,
	SigtoolError,
	type TrustedAuthority,
	type TrustedPin,
	type TrustPolicy,
} from "@sigtool/core/read";
import { readOwnedFile } from "./owned-file.js";

/** `allow` trusts this user's own files and development identity. */
export type Development = "refuse" | "allow";
export type OnRefusal = NonNullable<HostDocument["onRefusal"]>;
export type BoundProduct = HostDocument["products"][number];
/** Without `stderr` not even refusals are written to standard error: the program that asks gets them alone. */
export type AuditSettings = Omit<HostDocument["audit"], "stderr"> & {
	readonly stderr: HostDocument["audit"]["stderr"] | undefined;
};

/** The document, with the certificates of its authorities already read. */
export interface HostConfiguration
	extends Omit<
		HostDocument,
		| "version"
		| "pins"
		| "policySigners"
		| "minimumPolicySequence"
		| "authorities"
		| "timestampAuthorities"
		| "deny"
		| "audit"
	> {
	readonly audit: AuditSettings;
	/** The path of the file that was read. */
	readonly file: string;
	/** False if the program brought its own trust, so that `file` says nothing. */
	readonly isFile: boolean;
	readonly trust: TrustPolicy;
	readonly deny: readonly Denial[];
}

export interface HostConfigurationOptions {
	/** `allow` also accepts files of this user, and looks under `$XDG_CONFIG_HOME/sigtool` first. Default `refuse`. */
	readonly development?: Development;
	/** The path of the configuration. Default: `/etc/sigtool/verifier.json`. */
	readonly file?: string;
}

/** @throws ERR_HOST_CONFIG, which names the file, and the member or the owner that is wrong */
export function readHostConfiguration(options: HostConfigurationOptions = {}): HostConfiguration {
	const found = findHostConfiguration(options);
	if (found !== undefined) return found;
	const file = options.file ?? HOST_CONFIGURATION_FILE;
	const message = `Cannot use host configuration ${quote(file)}: it does not exist; \`${COMMAND} launcher install\` writes one`;
	throw new SigtoolError("ERR_HOST_CONFIG", message, { path: file, passing: true });
}

/** Does what `readHostConfiguration` does, but returns undefined if no file exists. */
export function findHostConfiguration(options: HostConfigurationOptions = {}): HostConfiguration | undefined {
	const { development = "refuse", file: given } = options;
	const own = development === "allow" ? [join(configDirectory(), "verifier.json")] : [];
	for (const file of given === undefined ? [...own, HOST_CONFIGURATION_FILE] : [resolve(given)]) {
		const bytes = readOwnedFile(file, { development, maxBytes: MAX_HOST_BYTES });
		if (bytes !== undefined) return parseHostConfiguration(bytes, file, development);
	}
	return undefined;
}

/**
 * Returns the configuration for a program that brings a trust policy. It has no products, no sinks, and the policy's
 * deny list.
 */
export function configurationOf(trust: TrustPolicy): HostConfiguration {
	return {
		file: HOST_CONFIGURATION_FILE,
		isFile: false,
		mode: undefined,
		onRefusal: undefined,
		onExpiry: "run",
		trust,
		products: [],
		deny: trust.deny ?? [],
		index: undefined,
		policy: undefined,
		launcher: undefined,
		audit: { jsonLines: undefined, collector: true, stderr: undefined, syslog: false },
	};
}

function parseHostConfiguration(bytes: Uint8Array, file: string, development: Development): HostConfiguration {
	const {
		version: _,
		pins,
		policySigners,
		minimumPolicySequence: minimumSequence,
		authorities,
		timestampAuthorities,
		deny: denials,
		...rest
	} = hostFromFileBytes(bytes, file);
	const deny = denials.flatMap(denialsOf);
	const refusalOf = (member: string) => (reason: string, cause?: SigtoolError, passing?: boolean) => {
		const message = `Cannot use host configuration ${quote(file)}: "$.${member}" ${reason}`;
		return new SigtoolError("ERR_HOST_CONFIG", message, { cause, path: file, ...(passing && { passing }) });
	};
	return {
		...rest,
		deny,
		file,
		isFile: true,
		trust: {
			pins: new Map(pins.map(pinOf)),
			authorities: authorities.map((each, index) => authorityOf(each, development, refusalOf(`authorities[${index}]`))),
			timestampAuthorities: timestampAuthorities.map((each, index) => {
				return timestampAuthorityOf(each.certificate, development, refusalOf(`timestampAuthorities[${index}]`));
			}),
			deny,
			...(policySigners && { policySigners: { pins: new Map(policySigners.map(pinOf)), minimumSequence } }),
			mend: `add its key to "pins" in ${quote(file)} if it may sign for this host`,
		},
	};
}

/** Makes an error about a member of the document. The message contains the path of the member. */
type Refuse = (reason: string, cause?: SigtoolError, passing?: boolean) => SigtoolError;

function pinOf({ "spki-sha256": spkiSha256, name }: HostDocument["pins"][number]): [string, TrustedPin] {
	return [spkiSha256, { label: name ?? `key ${spkiSha256.slice(0, 16)}`, source: "configuration" }];
}

/**
 * Converts one item of the deny list to a list of one denial: the schema guarantees exactly one digest in each item.
 */
function denialsOf({ reason, ...digests }: HostDocument["deny"][number]): Denial[] {
	return DENIED_KINDS.flatMap((kind) => {
		const sha256 = digests[kind];
		return sha256 === undefined ? [] : [{ kind, sha256, reason }];
	});
}

function authorityOf(
	{ certificate: path, subject: given }: HostDocument["authorities"][number],
	development: Development,
	refuse: Refuse,
): TrustedAuthority {
	const certificate = certificateOf(path, development, refuse);
	const subject = normalizeNameText(given);
	if (subject === undefined) throw refuse('must have a subject, such as "CN=Release,O=Example"');
	return { certificate, subject, label: certificate.subject.text, source: "configuration" };
}

function timestampAuthorityOf(path: string, development: Development, refuse: Refuse): Certificate {
	const certificate = certificateOf(path, development, refuse);
	if (isCertificateAuthority(certificate)) return certificate;
	throw refuse(
		`names ${quote(path)}, whose certificate is not that of an authority; name the root that its issuer leads to`,
	);
}

function certificateOf(path: string, development: Development, refuse: Refuse): Certificate {
	const bytes = readOwnedFile(path, { development, maxBytes: MAX_HOST_BYTES });
	if (bytes === undefined) throw refuse(`names ${quote(path)}, which does not exist`, undefined, true);
	let certificates: Certificate[];
	try {
		certificates = certificatesFromFileBytes(bytes);
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		throw refuse(`names ${quote(path)}, which cannot be used: ${cause.message}`, cause);
	}
	const [certificate, ...others] = certificates;
	if (certificate === undefined || others.length > 0) throw refuse("must name a file with one certificate");
	return certificate;
}
