/** Lists, adds and removes the entries of this user's trust store. */

import { createHash, hash } from "node:crypto";
import { COMMAND, quote, SigtoolError, shell } from "../errors.js";
import { type Certificate, isDevelopmentCertificate, spkiSha256 } from "../pki/certificate.js";
import { isCertificateAuthority, requireTimestampAuthority } from "../pki/certificate-checks.js";
import type { Denial, DeniedKind } from "../pki/deny-list.js";
import { normalizeNameText } from "../pki/name-text.js";
import { DEVELOPMENT_IDENTITY, IDENTITY_BACKDATE_MS, identityFiles } from "../system/user-files.js";
import {
	editTrustFile,
	LABEL,
	readTrustFile,
	type StoredAuthority,
	type StoredDenial,
	type StoredPin,
	type StoredTimestampAuthority,
} from "./trust-file.js";
import { developmentCertificate } from "./trust-store.js";

/** An entry of this user's trust store, or this machine's development identity. */
export type TrustEntry = {
	/**
	 * The identifier of the entry, in lower-case hexadecimal. For a pin it is the pin itself. For an authority it is a
	 * SHA-256 over the certificate and the subject, or over the certificate and `timestamps`. For a denial it is a
	 * SHA-256 over kind and digest.
	 */
	readonly id: string;
	readonly label: string;
	/** The time of the addition in UTC, e.g. `2026-01-31T12:00:00Z`. */
	readonly added: string;
	readonly source: "store" | "development";
} & (
	| { readonly kind: "pin" }
	| { readonly kind: "authority"; readonly subject: string | undefined }
	| { readonly kind: "timestamps" }
	| { readonly kind: "denied"; readonly denied: DeniedKind; readonly sha256: string }
);

/** A new entry for this user's trust store: a key by its hash, a certificate, or an authority for timestamps. */
export type NewTrust =
	| { readonly spkiSha256: string; readonly label?: string }
	| {
			/** The certificate of an authority, or of a signer. The key of a signer is pinned. */
			readonly certificate: Certificate;
			/**
			 * The exact subject that an authority may vouch for, as text by RFC 4514. `addTrust` normalizes this text.
			 */
			readonly subject?: string;
			/** If true, the authority may vouch for any subject, and `subject` is not given. */
			readonly anySubject?: boolean;
			readonly label?: string;
	  }
	/** An authority that is trusted for timestamps and nothing else. */
	| { readonly timestampAuthority: Certificate; readonly label?: string };

/**
 * Adds an entry to the trust store. If the entry exists already, it gets the new label and the current time.
 * @throws ERR_USAGE for an authority without a subject, a subject without an authority, a certificate for timestamps
 * that is not an authority, or text that is not a subject or label; ERR_DEVELOPMENT_IDENTITY for the certificate of a
 * development identity; ERR_CONFIG, ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { addTrust, certificatesFromPem } from "@sigtool/core";
 *
 * const [certificate] = certificatesFromPem(readFileSync("ca.crt", "utf8"));
 * const entry = addTrust({ certificate, subject: "CN=release", label: "our authority" });
 * console.log(entry.kind); // authority
 * ```
 */
export function addTrust(trust: NewTrust): TrustEntry {
	if (trust.label !== undefined && !LABEL.test(trust.label)) {
		throw new SigtoolError("ERR_USAGE", `Cannot use the label ${quote(trust.label)}: it must be one line of text`);
	}
	const added = utc(Date.now());
	if ("timestampAuthority" in trust) {
		const authority = { ...newTimestampAuthority(trust.timestampAuthority, trust.label), added };
		editTrustFile((store) => {
			const others = store.timestampAuthorities.filter((other) => timestampsId(other) !== timestampsId(authority));
			return { ...store, timestampAuthorities: [...others, authority] };
		});
		return timestampsEntry(authority);
	}
	if ("certificate" in trust && isCertificateAuthority(trust.certificate)) {
		const { certificate, label = certificate.subject.text } = trust;
		const authority = { certificate, subject: subjectFor(trust), label, added };
		editTrustFile((store) => {
			const others = store.authorities.filter((other) => authorityId(other) !== authorityId(authority));
			return { ...store, authorities: [...others, authority] };
		});
		return authorityEntry(authority);
	}
	const pin = { ...newPin(trust), added };
	editTrustFile((store) => {
		// A pin keeps its certificate if the same key is added again by its hash.
		const known = store.pins.find(({ spkiSha256 }) => spkiSha256 === pin.spkiSha256);
		return { ...store, pins: [...store.pins.filter((other) => other !== known), { ...known, ...pin }] };
	});
	return pinEntry(pin);
}

/**
 * Adds a denial. If the denial exists already, it gets the new reason and the current time.
 * @throws ERR_USAGE for a reason that is empty or not one line; ERR_CONFIG, ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { denyTrust, digestFile } from "@sigtool/core";
 *
 * const { digest } = digestFile("lib/main.js", "sha256");
 * denyTrust({ kind: "file", sha256: Buffer.from(digest).toString("hex"), reason: "CVE-2026-0001" });
 * ```
 */
export function denyTrust({ kind, sha256, reason }: Denial): TrustEntry {
	if (reason === "" || !LABEL.test(reason)) {
		throw new SigtoolError("ERR_USAGE", `Cannot use the reason ${quote(reason)}: it must be one line of text`);
	}
	const denial = { kind, sha256, reason, added: utc(Date.now()) };
	editTrustFile((store) => {
		const others = store.denied.filter((other) => denialId(other) !== denialId(denial));
		return { ...store, denied: [...others, denial] };
	});
	return denialEntry(denial);
}

/**
 * Returns the entries of the trust store, and this machine's development identity.
 * @throws ERR_CONFIG, ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { listTrust } from "@sigtool/core";
 *
 * for (const { kind, label } of listTrust()) console.log(kind, label); // pin CN=release
 * ```
 */
export function listTrust(): TrustEntry[] {
	const { pins, authorities, timestampAuthorities, denied } = readTrustFile();
	const development = developmentCertificate();
	return [
		...pins.map(pinEntry),
		...authorities.map(authorityEntry),
		...timestampAuthorities.map(timestampsEntry),
		...(development === undefined ? [] : [developmentEntry(development)]),
		...denied.map(denialEntry),
	];
}

/**
 * Removes the entries with an id and returns them. `idOrPrefix` is the id or its beginning, with or without `sha256:`.
 * @throws ERR_USAGE if no id or more than one id has this beginning, or if the entry is the development identity;
 * ERR_CONFIG, ERR_LIMIT, ERR_IO
 * @example
 * ```ts
 * import { listTrust, removeTrust } from "@sigtool/core";
 *
 * const [{ id }] = listTrust();
 * console.log(removeTrust(id).length); // 1
 * ```
 */
export function removeTrust(idOrPrefix: string): TrustEntry[] {
	const prefix = idOrPrefix.toLowerCase().replace(/^sha256:/, "");
	const matching = listTrust().filter(({ id }) => prefix !== "" && id.startsWith(prefix));
	const ids = new Set(matching.map(({ id }) => id));
	const [id] = ids;
	if (id === undefined) throw cannotRemove(idOrPrefix, whyNoEntry(prefix));
	if (ids.size > 1) throw cannotRemove(idOrPrefix, `${ids.size} ids begin with it`);
	const removed = matching.filter(({ source }) => source === "store");
	if (removed.length === 0) {
		const { directory } = identityFiles(DEVELOPMENT_IDENTITY);
		throw cannotRemove(idOrPrefix, `it is this machine's development identity; delete ${quote(directory)} instead`);
	}
	editTrustFile(({ pins, authorities, timestampAuthorities, denied }) => ({
		pins: pins.filter((pin) => pin.spkiSha256 !== id),
		authorities: authorities.filter((authority) => authorityId(authority) !== id),
		timestampAuthorities: timestampAuthorities.filter((authority) => timestampsId(authority) !== id),
		denied: denied.filter((denial) => denialId(denial) !== id),
	}));
	return removed;
}

function whyNoEntry(prefix: string): string {
	const denied = readTrustFile().denied.filter(({ sha256 }) => prefix.length >= 8 && sha256.startsWith(prefix));
	const [denial] = denied;
	if (denial === undefined)
		return `no entry has an id that begins with ${quote(prefix)}; \`${COMMAND} trust list\` shows all entries`;
	const id = denialId(denial);
	return `it is the digest of a denied ${denial.kind}, whose entry has the id ${id}; \`${shell`${COMMAND} trust remove ${id.slice(0, 12)}`}\` removes it`;
}

function newTimestampAuthority(certificate: Certificate, label = certificate.subject.text) {
	requireTimestampAuthority(certificate);
	return { certificate, label };
}

function newPin(trust: Exclude<NewTrust, { timestampAuthority: Certificate }>): Omit<StoredPin, "added"> {
	if ("certificate" in trust) {
		const { certificate, subject, anySubject, label = certificate.subject.text } = trust;
		if (subject !== undefined || anySubject === true) {
			const reason = "it is not an authority, so its own key is trusted and no subject is needed";
			throw new SigtoolError("ERR_USAGE", `Cannot trust ${quote(certificate.subject.text)} for a subject: ${reason}`);
		}
		if (isDevelopmentCertificate(certificate)) {
			// A pin trusts the key. A later certificate of the same key, without the development marker, could take the
			// place of this certificate in the pin. The key would then pass in enforcement, so the certificate is
			// refused.
			const message =
				`Cannot trust ${quote(certificate.subject.text)}: it is a development identity; ` +
				`make one for releases with \`${COMMAND} identity new\`, or verify with --trust`;
			throw new SigtoolError("ERR_DEVELOPMENT_IDENTITY", message);
		}
		return { spkiSha256: spkiSha256(certificate), certificate, label };
	}
	if (!/^[0-9a-f]{64}$/.test(trust.spkiSha256)) throw new RangeError("A pin is 64 lowercase hexadecimal digits");
	return { spkiSha256: trust.spkiSha256, label: trust.label ?? `key ${trust.spkiSha256.slice(0, 16)}` };
}

function subjectFor(trust: { certificate: Certificate; subject?: string; anySubject?: boolean }): string | undefined {
	const { certificate, subject, anySubject } = trust;
	if (subject === undefined && anySubject === true) return undefined;
	const action = `Cannot trust authority ${quote(certificate.subject.text)}`;
	if (subject === undefined) {
		const way = "name the one subject it may vouch for with --subject, or use --any-subject";
		throw new SigtoolError("ERR_USAGE", `${action}: it may vouch for many subjects; ${way}`);
	}
	const normalized = normalizeNameText(subject);
	if (normalized === undefined) {
		const reason = `${quote(subject)} is not a subject; write it as \`${COMMAND} inspect\` prints it, such as "CN=Release,O=Example"`;
		throw new SigtoolError("ERR_USAGE", `${action}: ${reason}`);
	}
	return normalized;
}

function developmentEntry(certificate: Certificate): TrustEntry {
	const { subject, notBefore } = certificate;
	const id = spkiSha256(certificate);
	return { id, kind: "pin", label: subject.text, added: utc(notBefore + IDENTITY_BACKDATE_MS), source: "development" };
}

function pinEntry({ spkiSha256: id, label, added }: StoredPin): TrustEntry {
	return { id, kind: "pin", label, added, source: "store" };
}

function authorityEntry(authority: StoredAuthority): TrustEntry {
	const { subject, label, added } = authority;
	return { id: authorityId(authority), kind: "authority", subject, label, added, source: "store" };
}

function timestampsEntry(authority: StoredTimestampAuthority): TrustEntry {
	const { label, added } = authority;
	return { id: timestampsId(authority), kind: "timestamps", label, added, source: "store" };
}

function denialEntry(denial: StoredDenial): TrustEntry {
	const { kind, sha256, reason, added } = denial;
	return { id: denialId(denial), kind: "denied", denied: kind, sha256, label: reason, added, source: "store" };
}

/**
 * Returns the id of a denial. It covers the kind as well as the digest, because a key may be pinned and denied: the id
 * of the pin is the digest itself, and the two entries need different ids.
 */
function denialId({ kind, sha256 }: Denial): string {
	return hash("sha256", `denied ${kind} ${sha256}`, "hex");
}

/**
 * Returns the id of an authority. It covers certificate and subject, because each pair of them is an entry. DER
 * contains its own length, so two different pairs never give the same bytes.
 */
function authorityId({ certificate, subject }: StoredAuthority): string {
	const text = JSON.stringify(subject ?? null);
	return createHash("sha256").update(certificate.der).update(text).digest("hex");
}

function timestampsId({ certificate }: Pick<StoredTimestampAuthority, "certificate">): string {
	return createHash("sha256").update(certificate.der).update("timestamps").digest("hex");
}

function utc(milliseconds: number): string {
	return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function cannotRemove(id: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_USAGE", `Cannot remove ${quote(id)}: ${reason}`);
}
