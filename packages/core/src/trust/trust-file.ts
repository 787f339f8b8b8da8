/**
 * Reads and writes `trust.json` in the user's configuration directory, version 1:
 *
 *     { "version": 1,
 *       "pins": [{ "spkiSha256": hex, "certificate": base64 of the DER, "label": text, "added": time }],
 *       "authorities": [{ "certificate": base64 of the DER, "subject": RFC 4514 text | null, "label": text, "added": time }],
 *       "timestampAuthorities": [{ "certificate": base64 of the DER, "label": text, "added": time }],
 *       "denied": [{ "kind": "file" | "key" | "certificate" | "catalog", "sha256": hex, "reason": text, "added": time }] }
 *
 * Times are in UTC, e.g. `2026-01-31T12:00:00Z`. A null subject means any subject. A pin may lack the certificate, and
 * the file may lack the last two lists. Any other missing field, and any field that is unknown or of another form, is
 * refused, because a typing error must not change who is trusted.
 */

import { quote, SigtoolError } from "../errors.js";
import { type Certificate, parseCertificate, spkiSha256 } from "../pki/certificate.js";
import { isCertificateAuthority } from "../pki/certificate-checks.js";
import { DENIED_KINDS, type Denial } from "../pki/deny-list.js";
import { exists } from "../system/look-up.js";
import { readBounded } from "../system/read-file.js";
import { exclusively, makePrivateDirectory, writeAtomically } from "../system/store.js";
import { configDirectory, trustFile } from "../system/user-files.js";

export interface TrustFile {
	readonly pins: readonly StoredPin[];
	/** The trusted authorities. Entries with equal certificates share one certificate object. */
	readonly authorities: readonly StoredAuthority[];
	readonly timestampAuthorities: readonly StoredTimestampAuthority[];
	readonly denied: readonly StoredDenial[];
}

export interface StoredTimestampAuthority {
	readonly certificate: Certificate;
	readonly label: string;
	readonly added: string;
}

export interface StoredDenial extends Denial {
	readonly added: string;
}

export interface StoredPin {
	/** The pin in lower-case hexadecimal. */
	readonly spkiSha256: string;
	/** A certificate of the key. It is absent if only the hash was given. */
	readonly certificate?: Certificate;
	readonly label: string;
	readonly added: string;
}

export interface StoredAuthority {
	readonly certificate: Certificate;
	/**
	 * The only subject that the authority may vouch for, as `DistinguishedName.text`. Undefined if it may vouch for any
	 * subject.
	 */
	readonly subject: string | undefined;
	readonly label: string;
	readonly added: string;
}

/**
 * Returns the content of the file, or an empty store if there is no file.
 * @throws ERR_CONFIG with a message that names file and field; ERR_LIMIT, ERR_IO
 */
export function readTrustFile(): TrustFile {
	const path = trustFile();
	if (!exists(path)) return { pins: [], authorities: [], timestampAuthorities: [], denied: [] };
	try {
		return parseTrustFile(JSON.parse(readBounded(path, MAX_TRUST_FILE_BYTES).toString("utf8")));
	} catch (cause) {
		throw cause instanceof SyntaxError ? invalid(`it is not JSON; ${MEND}`, cause) : cause;
	}
}

const MEND = "take it from a backup, or remove it and say again whom you trust and deny";

/**
 * Edits the file under a lock, so that simultaneous edits by several processes are all kept.
 * @throws ERR_CONFIG, ERR_LIMIT, ERR_IO
 */
export function editTrustFile(edit: (store: TrustFile) => TrustFile): void {
	makePrivateDirectory(configDirectory());
	exclusively(trustFile(), () => writeTrustFile(edit(readTrustFile())));
}

function writeTrustFile({ pins, authorities, timestampAuthorities, denied }: TrustFile): void {
	const document = {
		version: 1,
		pins: pins.map(({ spkiSha256, certificate, label, added }) => {
			return { spkiSha256, certificate: certificate && base64Of(certificate), label, added };
		}),
		authorities: authorities.map(({ certificate, subject, label, added }) => {
			return { certificate: base64Of(certificate), subject: subject ?? null, label, added };
		}),
		// An empty list is left out, because a version of sigtool that does not know the list refuses a file that has
		// it. This refusal is right only if the list has entries.
		...(timestampAuthorities.length > 0 && {
			timestampAuthorities: timestampAuthorities.map(({ certificate, label, added }) => {
				return { certificate: base64Of(certificate), label, added };
			}),
		}),
		...(denied.length > 0 && {
			denied: denied.map(({ kind, sha256, reason, added }) => ({ kind, sha256, reason, added })),
		}),
	};
	const bytes = Buffer.from(`${JSON.stringify(document, undefined, "\t")}\n`);
	if (bytes.length > MAX_TRUST_FILE_BYTES) {
		const message = `Cannot write trust store ${quote(trustFile())}: it would be larger than ${MAX_TRUST_FILE_BYTES} bytes`;
		throw new SigtoolError("ERR_LIMIT", message, { path: trustFile() });
	}
	writeAtomically(trustFile(), bytes, { mode: 0o600 });
}

function parseTrustFile(document: unknown): TrustFile {
	const file = recordOf(
		document,
		"the document",
		["version", "pins", "authorities"],
		["timestampAuthorities", "denied"],
	);
	if (file.version !== 1) throw invalid('"version" is not 1, the only one this sigtool knows');
	const certificates = new Map<string, Certificate>();
	return {
		pins: listOf(file.pins, "pins").map((entry, index) => parsePin(entry, `pins[${index}]`)),
		authorities: listOf(file.authorities, "authorities").map((entry, index) => {
			return parseAuthority(entry, `authorities[${index}]`, certificates);
		}),
		timestampAuthorities: listOf(file.timestampAuthorities ?? [], "timestampAuthorities").map((entry, index) => {
			return parseTimestampAuthority(entry, `timestampAuthorities[${index}]`);
		}),
		denied: listOf(file.denied ?? [], "denied").map((entry, index) => parseDenial(entry, `denied[${index}]`)),
	};
}

function parsePin(entry: unknown, field: string): StoredPin {
	const { spkiSha256, certificate, label, added } = recordOf(
		entry,
		field,
		["spkiSha256", "label", "added"],
		["certificate"],
	);
	const pin = textOf(spkiSha256, `${field}.spkiSha256`, /^[0-9a-f]{64}$/);
	return {
		spkiSha256: pin,
		...(certificate === undefined ? {} : { certificate: parsePinnedCertificate(certificate, pin, field) }),
		label: textOf(label, `${field}.label`, LABEL),
		added: textOf(added, `${field}.added`, TIME),
	};
}

function parseAuthority(entry: unknown, field: string, known: Map<string, Certificate>): StoredAuthority {
	const { certificate, subject, label, added } = recordOf(entry, field, ["certificate", "subject", "label", "added"]);
	const base64 = textOf(certificate, `${field}.certificate`, BASE64);
	const parsed = known.get(base64) ?? parseAuthorityCertificate(base64, `${field}.certificate`);
	known.set(base64, parsed);
	return {
		certificate: parsed,
		subject: subject === null ? undefined : textOf(subject, `${field}.subject`, /./),
		label: textOf(label, `${field}.label`, LABEL),
		added: textOf(added, `${field}.added`, TIME),
	};
}

function parseTimestampAuthority(entry: unknown, field: string): StoredTimestampAuthority {
	const { certificate, label, added } = recordOf(entry, field, ["certificate", "label", "added"]);
	const base64 = textOf(certificate, `${field}.certificate`, BASE64);
	return {
		certificate: parseAuthorityCertificate(base64, `${field}.certificate`),
		label: textOf(label, `${field}.label`, LABEL),
		added: textOf(added, `${field}.added`, TIME),
	};
}

function parseDenial(entry: unknown, field: string): StoredDenial {
	const { kind, sha256, reason, added } = recordOf(entry, field, ["kind", "sha256", "reason", "added"]);
	const known = DENIED_KINDS.find((each) => each === kind);
	if (known === undefined) throw invalid(`"${field}.kind" is not a known kind`);
	return {
		kind: known,
		sha256: textOf(sha256, `${field}.sha256`, /^[0-9a-f]{64}$/),
		reason: textOf(reason, `${field}.reason`, LABEL),
		added: textOf(added, `${field}.added`, TIME),
	};
}

function parseAuthorityCertificate(base64: string, field: string): Certificate {
	const certificate = parseBase64Certificate(base64, field);
	if (!isCertificateAuthority(certificate)) throw invalid(`"${field}" is not the certificate of an authority`);
	return certificate;
}

function parsePinnedCertificate(value: unknown, pin: string, pinField: string): Certificate {
	const field = `${pinField}.certificate`;
	const certificate = parseBase64Certificate(textOf(value, field, BASE64), field);
	if (spkiSha256(certificate) !== pin) throw invalid(`"${field}" does not belong to the pinned key`);
	return certificate;
}

function parseBase64Certificate(base64: string, field: string): Certificate {
	try {
		return parseCertificate(Buffer.from(base64, "base64"));
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		throw invalid(`"${field}" is not a certificate: ${cause.message}`, cause);
	}
}

function base64Of({ der }: Certificate): string {
	return Buffer.from(der).toString("base64");
}

/**
 * Returns `value` as an object that has every field of `keys`, may have fields of `optional`, and has no other field.
 */
function recordOf<Key extends string, Optional extends string = never>(
	value: unknown,
	field: string,
	keys: readonly Key[],
	optional: readonly Optional[] = [],
): Record<Key | Optional, unknown> {
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw invalid(`${quote(field)} is not an object`);
	}
	const missing = keys.find((key) => !Object.hasOwn(value, key));
	if (missing !== undefined) throw invalid(`${quote(field)} lacks ${quote(missing)}`);
	const known: readonly string[] = [...keys, ...optional];
	const unknown = Object.keys(value).find((key) => !known.includes(key));
	if (unknown !== undefined) throw invalid(`${quote(field)} has the unknown field ${quote(unknown)}`);
	// The type assertion is safe: the fields were checked above, and absent fields are undefined.
	return value as Record<Key | Optional, unknown>;
}

function listOf(value: unknown, field: string): readonly unknown[] {
	if (!Array.isArray(value)) throw invalid(`${quote(field)} is not a list`);
	return value;
}

function textOf(value: unknown, field: string, form: RegExp): string {
	if (typeof value === "string" && form.test(value)) return value;
	throw invalid(`${quote(field)} is not of the expected form`);
}

function invalid(reason: string, cause?: unknown): SigtoolError {
	const path = trustFile();
	return new SigtoolError("ERR_CONFIG", `Cannot use trust store ${quote(path)}: ${reason}`, { cause, path });
}

const MAX_TRUST_FILE_BYTES = 2 ** 20;
/**
 * Matches one line of text, which may be empty, because a certificate's subject may be empty and is the default label.
 */
export const LABEL = /^\P{Cc}*$/u;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
