import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import {
	addTrust,
	type Denial,
	type DeniedKind,
	denyTrust,
	listTrust,
	type NewTrust,
	removeTrust,
	type TrustEntry,
} from "@sigtool/core";
import {
	type DeniedDigest,
	denialsOfFile,
	digestsToDeny,
	exclusively,
	LOOK_SECONDS,
	outputFile,
	reverseNameText,
	writeAtomically,
} from "@sigtool/core/internal";
import { COMMAND, reasonOf, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { examineHost, hostConfigurationDenying } from "@sigtool/verifier/internal";
import { hostDocument } from "../../launcher/derived-settings.js";
import { readLauncherConf } from "../../launcher/launcher-conf.js";
import { CONF_NAME } from "../../launcher/launcher-place.js";
import { readCertificateFile } from "../../options/certificate-file.js";
import { digestOrFile } from "../../options/digest.js";
import { INSTALLED_PREFIX } from "../../options/installed-prefix.js";
import { usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";

export interface TrustAddOptions extends OutputOptions {
	readonly subject?: string;
	readonly anySubject?: boolean;
	readonly timestamps?: boolean;
	readonly label?: string;
}

export async function trustAdd(certificate: string, options: TrustAddOptions): Promise<Report> {
	const { subject, anySubject } = options;
	if ([subject, anySubject, options.timestamps].filter((given) => given !== undefined).length > 1) {
		throw usageError("Use one of --subject, --any-subject and --timestamps");
	}
	const trust = newTrust(certificate, options);
	const entry = addTrust(trust);
	const denials = denialsIn(listTrust(), trust);
	return {
		exit: 0,
		fields: { ...trustFields(entry), denials: denials.map(trustFields) },
		lines: [
			denials.length > 0
				? `added ${KIND_LABELS[entry.kind]} ${escaped(entry.label)}, which stays denied`
				: `trusted ${KIND_LABELS[entry.kind]} ${escaped(entry.label)}`,
			...trustRows(entry, denials[0]?.label),
		],
		warnings: [
			...denials.map(stillDenied),
			...(anySubject === true
				? [`every signer under "${escaped(entry.label)}" is now trusted; --subject names exactly one`]
				: orderWarnings(entry)),
		],
	};
}

/** Returns the entries that deny the key or the certificate of a new entry. A denial outweighs any trust. */
function denialsIn(entries: readonly TrustEntry[], trust: NewTrust): DeniedEntry[] {
	const named: readonly DeniedDigest[] =
		"spkiSha256" in trust
			? [{ kind: "key", sha256: trust.spkiSha256 }]
			: digestsToDeny("certificate" in trust ? trust.certificate : trust.timestampAuthority);
	return entries.filter((each): each is DeniedEntry => {
		return each.kind === "denied" && named.some(({ kind, sha256 }) => kind === each.denied && sha256 === each.sha256);
	});
}

type DeniedEntry = TrustEntry & { readonly kind: "denied" };

function stillDenied({ id, denied, label }: DeniedEntry): string {
	const removal = shell`${COMMAND} trust remove ${id.slice(0, 12)}`;
	return `this ${denied} stays denied, because "${escaped(label)}": nothing that it signs is trusted until \`${removal}\``;
}

function newTrust(certificate: string, { subject, anySubject, timestamps, label }: TrustAddOptions): NewTrust {
	const pin = digestOrFile(certificate);
	if (pin !== undefined) {
		if (timestamps === true)
			throw usageError("Use --timestamps with a certificate: a hash alone does not identify an authority");
		return { spkiSha256: pin, label };
	}
	const parsed = readCertificateFile(certificate);
	if (timestamps === true) return { timestampAuthority: parsed, label };
	return { certificate: parsed, subject, anySubject: anySubject === true, label };
}

const KIND_LABELS = { pin: "pin", authority: "authority", timestamps: "timestamps of", denied: "denied" } as const;

/**
 * Warns about a subject whose parts are in reverse order. Common tools print subjects in that order, but few
 * certificates contain it.
 */
function orderWarnings(entry: TrustEntry): string[] {
	if (entry.kind !== "authority" || entry.subject === undefined) return [];
	if (!/^(?:C|ST|L|O|OU|DC)=.*,CN=/s.test(entry.subject)) return [];
	const { subject } = entry;
	return [
		`the subject must be in the order that \`${COMMAND} inspect\` prints, usually "${escaped(reverseNameText(subject))}"`,
	];
}

export async function trustList(_options: OutputOptions): Promise<Report> {
	const entries = listTrust();
	const denials = new Map(
		entries.flatMap((each) => (each.kind === "denied" && each.denied === "key" ? [[each.sha256, each.label]] : [])),
	);
	return {
		exit: 0,
		fields: { trusted: entries.map(trustFields) },
		lines:
			entries.length === 0
				? [`nothing is trusted; add a signer with \`${COMMAND} trust add CERTIFICATE\``]
				: entries.flatMap((entry) => [
						`${KIND_LABELS[entry.kind]} ${escaped(entry.label)}`,
						...trustRows(entry, denials.get(entry.id)),
					]),
	};
}

export interface TrustDenyOptions extends OutputOptions {
	readonly as?: DeniedKind;
	readonly reason: string;
	readonly config?: string;
	readonly index?: readonly string[];
}

/** Denies something in the user's trust store, or in the host configuration that --config names. */
export async function trustDeny(what: string, options: TrustDenyOptions): Promise<Report> {
	const { as, reason, config, index = [] } = options;
	if (config === undefined && index.length > 0) throw usageError("Use --index with --config");
	if (!/^\P{Cc}+$/u.test(reason)) throw usageError("Give --reason one line of text");
	const denials = denialsOf(what, as).map((denial): Denial => ({ ...denial, reason }));
	if (config !== undefined) {
		const file = outputFile(config);
		exclusively(file, () => writeAtomically(file, Buffer.from(hostConfigurationDenying(file, denials))));
	} else {
		for (const denial of denials) denyTrust(denial);
	}
	const holdings = config === undefined ? [] : indexesOf(config, index).map((file) => holdingOf(file, config, denials));
	const linesAbout = (judged: boolean) =>
		holdings.filter((each) => each.judged === judged).map(({ file, says }) => `${escaped(file)} ${escaped(says)}`);
	const unknown = "no trust index is known here: name those of your services with --index, to see what they hold";
	return {
		exit: 0,
		fields: { config: config ?? null, denied: denials, ...(config !== undefined && { indexes: holdings }) },
		lines: [
			`denied ${denials[0].kind} ${escaped(what)}`,
			...rows([
				...denials.map(({ sha256 }): [string, string] => ["sha256", sha256]),
				["reason", escaped(reason)],
				["in", config && escaped(config)],
			]),
			...linesAbout(true),
			...(config === undefined
				? []
				: [
						storeAdvice(what, denials),
						...(holdings.length === 0 ? [unknown] : []),
						`running services take it over when they next load a file, at most ${LOOK_SECONDS} s from now; what they have loaded runs on until you restart them`,
					]),
		],
		warnings: linesAbout(false),
	};
}

/** Says that verify of the same user goes on trusting what a host configuration denies. */
function storeAdvice(what: string, [{ kind, reason }]: readonly Denial[]): string {
	const command = shell`${COMMAND} trust deny ${what} --as ${kind} --reason ${reason}`;
	return `\`${COMMAND} verify\` reads your trust store, not this file: \`${command}\` denies it there too`;
}

interface Holding {
	readonly file: string;
	/** False if the index cannot be used, so that nobody knows what it holds. */
	readonly judged: boolean;
	readonly says: string;
	/** The denied files that the index signs, as `product` and `path`. */
	readonly entries: readonly { readonly product: string; readonly path: string }[];
}

/** Returns the indexes that the user names, that of the configuration, and that of the launcher that reads it. */
function indexesOf(config: string, given: readonly string[]): string[] {
	const confFile = join(INSTALLED_PREFIX, CONF_NAME);
	let launched: string | undefined;
	try {
		const conf = readLauncherConf(confFile);
		launched = conf.config === resolve(config) ? conf.index : undefined;
	} catch {
		// No launcher is installed there.
	}
	const found = [hostDocument(config)?.index, launched].filter((file) => file !== undefined && existsSync(file));
	return [...new Set([...given.map((file) => resolve(file)), ...found])] as string[];
}

/** Tells what an index holds of these denials. The configuration names them already. */
function holdingOf(file: string, config: string, denials: readonly DeniedDigest[]): Holding {
	try {
		const { denied } = examineHost({ index: file, config, development: "allow" });
		const entries = denied.filter((entry) => denials.some(({ sha256 }) => sha256 === entry.sha256));
		const names = entries.map(({ product, path }) => `"${path}" of "${product}"`);
		return { file, judged: true, entries, says: names.length === 0 ? "holds none of it" : `holds ${names.join(", ")}` };
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		// The file is named beside the reason, so an error that only names the file is left out.
		const reason = reasonOf(error.cause instanceof SigtoolError ? error.cause : error);
		const judged = error.code === "ERR_DENIED";
		return { file, judged, entries: [], says: `${judged ? "is refused as a whole" : "cannot be judged"}: ${reason}` };
	}
}

function denialsOf(what: string, as: DeniedKind | undefined): DeniedDigest[] {
	const sha256 = digestOrFile(what);
	if (sha256 === undefined) return denialsOfFile(what, as);
	if (as === undefined) throw usageError("Say with --as whether the digest is of a key, certificate, catalog or file");
	return [{ kind: as, sha256 }];
}

export async function trustRemove(id: string, _options: OutputOptions): Promise<Report> {
	const removed = removeTrust(id);
	return {
		exit: 0,
		fields: { removed: removed.map(trustFields) },
		lines: removed.flatMap((entry) => [
			`removed ${KIND_LABELS[entry.kind]} ${escaped(entry.label)}`,
			...trustRows(entry),
		]),
	};
}

/** `denial` is the reason for which the key of a pin is denied. Its id is the digest of the key. */
function trustRows(entry: TrustEntry, denial?: string): string[] {
	if (entry.kind === "denied") {
		return rows([
			["id", entry.id],
			[entry.denied, entry.sha256],
			["added", entry.added],
		]);
	}
	const subject = entry.kind === "authority" ? (entry.subject ?? "any (whatever it signs)") : undefined;
	return rows([
		["id", entry.id],
		["subject", subject === undefined ? undefined : escaped(subject)],
		["added", entry.added],
		["denied", denial === undefined ? undefined : escaped(denial)],
		["source", entry.source === "development" ? "this machine's development identity" : undefined],
	]);
}

function trustFields(entry: TrustEntry): Record<string, unknown> {
	const { id, kind, label, added, source } = entry;
	if (kind === "denied") return { id, kind, denied: entry.denied, sha256: entry.sha256, reason: label, added, source };
	const subject = kind === "authority" ? { subject: entry.subject ?? null } : {};
	return { id, kind, label, added, source, ...subject };
}
