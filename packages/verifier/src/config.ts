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
	type Mode,
	normalizeNameText,
	quote,
	SigtoolError,
	type TrustedAuthority,
	type TrustedPin,
	type TrustPolicy,
} from "@sigtool/core/read";
import { JsonPlace } from "./json-place.js";
import { readOwnedFile } from "./owned-file.js";

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

/** What is not to be trusted whoever signed it; lowercase hexadecimal SHA-256 of the file, SubjectPublicKeyInfo, or DER. */
export interface Denial {
	readonly kind: "file" | "key" | "certificate" | "catalog";
	readonly sha256: string;
	readonly reason: string;
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
	readonly standardError: "off" | "refusals" | "all";
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

/** For a program that brings its own trust: no bounds, no deny list, no sinks. */
export function configurationOf(trust: TrustPolicy): HostConfiguration {
	return {
		file: HOST_CONFIGURATION_FILE,
		mode: undefined,
		onRefusal: undefined,
		trust,
		products: [],
		deny: [],
		index: undefined,
		policy: undefined,
		launcher: undefined,
		audit: { jsonLines: undefined, standardError: "off" },
	};
}

function parseHostConfiguration(bytes: Uint8Array, file: string, development: Development): HostConfiguration {
	const refuse = (reason: string, cause?: unknown) => {
		const message = `Cannot use host configuration ${quote(file)}: ${reason}`;
		return new SigtoolError("ERR_HOST_CONFIG", message, { cause, path: file });
	};
	let value: unknown;
	try {
		value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	} catch (cause) {
		throw refuse(`it is not JSON: ${String(cause)}`, cause);
	}
	const document = new JsonPlace(value, refuse);
	const { version, ...members } = document.members(["version"], MEMBERS);
	version.oneOf([1]);
	return {
		file,
		mode: members.mode?.oneOf(MODES),
		onRefusal: members.onRefusal?.oneOf(["throw", "exit"]),
		trust: {
			pins: new Map(members.pins?.list().map(pinOf)),
			authorities: members.authorities?.list().map((each) => authorityOf(each, development)) ?? [],
		},
		products: distinct(members.products?.list() ?? [], productOf),
		deny: members.deny?.list().map(denialOf) ?? [],
		index: members.index?.absolutePath(),
		policy: members.policy?.absolutePath(),
		launcher: members.launcher === undefined ? undefined : launcherOf(members.launcher),
		audit: auditOf(members.audit),
	};
}

const MEMBERS = [
	...["mode", "onRefusal", "pins", "authorities", "products", "deny", "index", "policy", "launcher", "audit"],
] as const;

function pinOf(place: JsonPlace): [string, TrustedPin] {
	const { "spki-sha256": key, name } = place.members(["spki-sha256"], ["name"]);
	const spkiSha256 = key.sha256();
	return [spkiSha256, { label: name?.text() ?? `key ${spkiSha256.slice(0, 16)}`, source: "option" }];
}

function authorityOf(place: JsonPlace, development: Development): TrustedAuthority {
	const { certificate: file, subject: text } = place.members(["certificate", "subject"]);
	const path = file.absolutePath();
	const bytes = readOwnedFile(path, { development, maxBytes: MAX_CONFIGURATION_BYTES });
	if (bytes === undefined) throw file.refusal("does not exist");
	const [certificate, ...others] = certificatesFromFileBytes(bytes);
	if (certificate === undefined || others.length > 0) throw file.refusal("holds more than one certificate");
	const subject = normalizeNameText(text.text());
	if (subject === undefined) throw text.refusal('is no subject, such as "CN=Release,O=Example"');
	return { certificate, subject, label: certificate.subject.text, source: "option" };
}

function productOf(place: JsonPlace): BoundProduct {
	const { name, root, minimumSequence } = place.members(["name"], ["root", "minimumSequence"]);
	return { name: name.text(), root: root?.absolutePath(), minimumSequence: minimumSequence?.count() };
}

function distinct(places: readonly JsonPlace[], parse: (place: JsonPlace) => BoundProduct): BoundProduct[] {
	const names = new Set<string>();
	return places.map((place) => {
		const product = parse(place);
		if (names.has(product.name)) throw place.refusal(`names ${quote(product.name)} a second time`);
		names.add(product.name);
		return product;
	});
}

const DENIAL_KINDS = ["file", "key", "certificate", "catalog"] as const;

function denialOf(place: JsonPlace): Denial {
	const { reason, ...members } = place.members(["reason"], DENIAL_KINDS);
	const [kind, ...others] = DENIAL_KINDS.filter((each) => members[each] !== undefined);
	const digest = kind === undefined ? undefined : members[kind];
	if (kind === undefined || digest === undefined || others.length > 0) {
		throw place.refusal(`does not have exactly one of ${DENIAL_KINDS.join(", ")}`);
	}
	return { kind, sha256: digest.sha256(), reason: reason.text() };
}

function launcherOf(place: JsonPlace): LauncherSettings {
	const { node, bundle } = place.members([], ["node", "bundle"]);
	return {
		node: node?.list().map(pinnedFileOf) ?? [],
		bundle: bundle === undefined ? undefined : pinnedFileOf(bundle),
	};
}

function pinnedFileOf(place: JsonPlace): PinnedFile {
	const { path, sha256 } = place.members(["path", "sha256"]);
	return { path: path.absolutePath(), sha256: sha256.sha256() };
}

function auditOf(place: JsonPlace | undefined): AuditSettings {
	const { jsonLines, stderr } = place?.members([], ["jsonLines", "stderr"]) ?? {};
	return {
		jsonLines: jsonLines?.absolutePath(),
		standardError: stderr?.oneOf(["off", "refusals", "all"]) ?? "refusals",
	};
}
