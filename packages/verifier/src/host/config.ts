/**
 * The host configuration: whom this machine trusts to say what may run. JSON, strict; every member it may have is here.
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
	jsonShape,
	type Mode,
	normalizeNameText,
	quote,
	type Reader,
	type Refusal,
	SigtoolError,
	type TrustedAuthority,
	type TrustedPin,
	type TrustPolicy,
} from "@sigtool/core/read";
import { jsonOf, readOwnedFile } from "./owned-file.js";

export const MODES: readonly Mode[] = ["off", "audit", "enforce", "strict"];
/** Whether what this machine's user made for himself counts: his own files, his development identity. */
export type Development = "refuse" | "allow";
export type OnRefusal = "throw" | "exit";

export interface HostConfiguration {
	/** The file it was read from. */
	readonly file: string;
	/** Absent: the policy's. */
	readonly mode: Mode | undefined;
	readonly onRefusal: OnRefusal | undefined;
	readonly trust: TrustPolicy;
	/** Empty: whatever product a trusted signer names. */
	readonly products: readonly BoundProduct[];
	readonly deny: readonly Denial[];
	readonly index: string | undefined;
	/** A policy document, in place of the index's. */
	readonly policy: string | undefined;
	readonly launcher: LauncherSettings | undefined;
	readonly audit: AuditSettings;
}

export interface BoundProduct {
	readonly name: string;
	/** Absolute. Absent: the directory recorded when the index was compiled. */
	readonly root: string | undefined;
	readonly minimumSequence: number | undefined;
}

export interface PinnedFile {
	readonly path: string;
	readonly sha256: string;
}

export interface LauncherSettings {
	readonly node: readonly PinnedFile[];
	readonly bundle: PinnedFile | undefined;
}

export interface AuditSettings {
	readonly jsonLines: string | undefined;
	readonly stderr: "off" | "refusals" | "all";
	/** Of a spython alone: Node.js has no datagrams for /dev/log. */
	readonly syslog: boolean;
}

export interface HostConfigurationOptions {
	/** `allow` also accepts files of this user, and looks under `$XDG_CONFIG_HOME/sigtool` first. Default `refuse`. */
	readonly development?: Development;
	/** In place of the usual one. */
	readonly file?: string;
}

export const HOST_CONFIGURATION_FILE = "/etc/sigtool/verifier.json";
const MAX_CONFIGURATION_BYTES = 1 << 20;

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
		const bytes = readOwnedFile(file, { development, maxBytes: MAX_CONFIGURATION_BYTES });
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
	const refuse: Refusal = (at, reason) => {
		const message = `Cannot use host configuration ${quote(file)}: ${quote(at)} ${reason}`;
		return new SigtoolError("ERR_HOST_CONFIG", message, { path: file });
	};
	const { version: _, pins, authorities, ...rest } = readDocument(jsonOf(bytes, file), "$", refuse);
	return {
		...rest,
		file,
		trust: {
			pins: new Map(pins.map(pinOf)),
			authorities: authorities.map((each, index) => {
				return authorityOf(each, development, (reason) => refuse(`$.authorities[${index}]`, reason));
			}),
			deny: rest.deny,
			mend: `add its key to "pins" in ${quote(file)} if it may sign for this host`,
		},
	};
}

const { absent, list, object, oneOf, SHA256_HEX, text, wholeNumber } = jsonShape;

function optional<T>(read: Reader<T>): Reader<T | undefined> {
	return absent(undefined, read);
}

const LINE = text(/^\P{Cc}+$/u, "a line of text");
/** As a program gets there. */
const PATH = text(/^\/$|^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+$/u, "an absolute path without . and ..");

const readProduct = object<BoundProduct>({
	name: LINE,
	root: optional(PATH),
	minimumSequence: optional(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
});

const readProducts: Reader<readonly BoundProduct[]> = (value, at, refuse) => {
	const products = list(readProduct)(value, at, refuse);
	if (new Set(products.map(({ name }) => name)).size < products.length)
		throw refuse(at, "must not name a product twice");
	return products;
};

const readDenialMembers = object({
	file: optional(SHA256_HEX),
	key: optional(SHA256_HEX),
	certificate: optional(SHA256_HEX),
	catalog: optional(SHA256_HEX),
	reason: LINE,
});

const readDenial: Reader<Denial> = (value, at, refuse) => {
	const members = readDenialMembers(value, at, refuse);
	const [denial, ...others] = DENIED_KINDS.flatMap((kind) => {
		const sha256 = members[kind];
		return sha256 === undefined ? [] : [{ kind, sha256, reason: members.reason }];
	});
	if (denial === undefined || others.length > 0) {
		throw refuse(at, `must have exactly one of ${DENIED_KINDS.join(", ")}`);
	}
	return denial;
};

const readPinnedFile = object<PinnedFile>({ path: PATH, sha256: SHA256_HEX });

const readDocument = object({
	version: wholeNumber(1, 1),
	mode: optional(oneOf<Mode>("off", "audit", "enforce", "strict")),
	onRefusal: optional(oneOf<OnRefusal>("throw", "exit")),
	pins: list(object({ "spki-sha256": SHA256_HEX, name: optional(LINE) })),
	authorities: list(object({ certificate: PATH, subject: LINE })),
	products: readProducts,
	deny: list(readDenial),
	index: optional(PATH),
	policy: optional(PATH),
	launcher: optional(object<LauncherSettings>({ node: list(readPinnedFile), bundle: optional(readPinnedFile) })),
	audit: object<AuditSettings>({
		jsonLines: optional(PATH),
		stderr: oneOf("refusals", "off", "all"),
		syslog: absent(false, (value, at, refuse) => {
			if (typeof value === "boolean") return value;
			throw refuse(at, "must be true or false");
		}),
	}),
});

function pinOf(pin: { readonly "spki-sha256": string; readonly name: string | undefined }): [string, TrustedPin] {
	const spkiSha256 = pin["spki-sha256"];
	return [spkiSha256, { label: pin.name ?? `key ${spkiSha256.slice(0, 16)}`, source: "option" }];
}

function authorityOf(
	{ certificate: path, subject: given }: { readonly certificate: string; readonly subject: string },
	development: Development,
	refuse: (reason: string) => Error,
): TrustedAuthority {
	const bytes = readOwnedFile(path, { development, maxBytes: MAX_CONFIGURATION_BYTES });
	if (bytes === undefined) throw refuse(`names ${quote(path)}, which does not exist`);
	const [certificate, ...others] = certificatesFromFileBytes(bytes);
	if (certificate === undefined || others.length > 0) throw refuse("must name a file with one certificate");
	const subject = normalizeNameText(given);
	if (subject === undefined) throw refuse('must have a subject, such as "CN=Release,O=Example"');
	return { certificate, subject, label: certificate.subject.text, source: "option" };
}
