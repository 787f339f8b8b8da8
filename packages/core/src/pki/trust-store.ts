/**
 * Whom this user trusts: keys, pinned by the SHA-256 of their SubjectPublicKeyInfo, and authorities, each for one exact
 * subject unless any was asked for. The roots of the web are never among them.
 */

import { createHash } from "node:crypto";
import { quote, SigtoolError } from "../errors.js";
import { exists, readBounded } from "../store.js";
import { DEVELOPMENT_IDENTITY, hasHome, IDENTITY_BACKDATE_MS, identityFiles } from "../user-files.js";
import {
	type Certificate,
	certificatesFromFileBytes,
	isDevelopmentCertificate,
	MAX_CERTIFICATE_SIZE,
	spkiSha256,
} from "./certificate.js";
import { isCertificateAuthority } from "./certificate-checks.js";
import type { Denial, DeniedKind } from "./deny-list.js";
import { normalizeNameText } from "./name-text.js";
import {
	LABEL,
	readTrustFile,
	type StoredAuthority,
	type StoredDenial,
	type StoredPin,
	writeTrustFile,
} from "./trust-file.js";

/** Where trust comes from: the trust store, this call's own options, or this machine's development identity. */
export type TrustSource = "store" | "option" | "development";

/** What verification judges a signer by. */
export interface TrustPolicy {
	/** By lowercase hexadecimal SHA-256 of the SubjectPublicKeyInfo. */
	readonly pins: ReadonlyMap<string, TrustedPin>;
	/** Entries of equal certificates share one object. */
	readonly authorities: readonly TrustedAuthority[];
	/** Refused whatever else is trusted. */
	readonly deny?: readonly Denial[];
	/** What to do about a signer who is not trusted, where that is not --trust or the trust store. */
	readonly mend?: string;
}

export interface TrustedPin {
	readonly label: string;
	readonly source: TrustSource;
	/** Judged in place of the one beside a signature, which is not itself signed. Absent: only the key is known. */
	readonly certificate?: Certificate;
	/** One of the key's certificates, of no consequence where another comes with a signature; for signatures without any. */
	readonly knownCertificate?: Certificate;
}

export interface TrustedAuthority {
	readonly certificate: Certificate;
	/** The only subject the authority may vouch for, compared with DistinguishedName.text; undefined: any. */
	readonly subject: string | undefined;
	readonly label: string;
	readonly source: TrustSource;
}

/** The trust store, and this machine's development identity as a pin. @throws ERR_CONFIG, ERR_LIMIT, ERR_IO */
export function defaultTrust(): TrustPolicy {
	const { pins, authorities, denied } = readTrustFile();
	const development = developmentCertificate();
	return {
		deny: denied,
		pins: new Map<string, TrustedPin>([
			...pins.map((pin) => [pin.spkiSha256, storedPin(pin)] as const),
			// Last: a key that is a development identity stays one, whatever it is called elsewhere.
			...(development === undefined ? [] : [developmentPin(development)]),
		]),
		authorities: authorities.map(({ certificate, subject, label }) => ({
			certificate,
			subject,
			label,
			source: "store",
		})),
	};
}

/** What this user's trust store denies, for whatever else is trusted. None without a home. @throws ERR_CONFIG, ERR_LIMIT, ERR_IO */
export function storedDenials(): readonly Denial[] {
	return hasHome() ? readTrustFile().denied : [];
}

/** Exactly these certificates: an authority for any subject, whatever is none as a pin of its key. */
export function trustFromCertificates(certificates: readonly Certificate[]): TrustPolicy {
	const signers = certificates.filter((certificate) => !isCertificateAuthority(certificate));
	return {
		pins: new Map(
			signers.map((signer) => {
				return [spkiSha256(signer), { label: signer.subject.text, source: "option", certificate: signer }];
			}),
		),
		authorities: certificates.filter(isCertificateAuthority).map((certificate) => {
			return { certificate, subject: undefined, label: certificate.subject.text, source: "option" };
		}),
	};
}

/** Authorities whose timestamps count: one that is trusted for one subject vouches for that subject, not for the time. */
export function timestampAnchors({ authorities }: TrustPolicy): Certificate[] {
	return authorities.filter(({ subject }) => subject === undefined).map(({ certificate }) => certificate);
}

export type TrustEntry = {
	/**
	 * What names the entry: the pin; of an authority a SHA-256 over its certificate and the subject, of a denial one over
	 * what it says; lowercase hexadecimal.
	 */
	readonly id: string;
	readonly label: string;
	/** UTC, `2026-01-31T12:00:00Z`. */
	readonly added: string;
	readonly source: "store" | "development";
} & (
	| { readonly kind: "pin" }
	| { readonly kind: "authority"; readonly subject: string | undefined }
	| { readonly kind: "denied"; readonly denied: DeniedKind; readonly sha256: string }
);

export type NewTrust =
	| { readonly spkiSha256: string; readonly label?: string }
	| {
			/** An authority's, or a signer's own, whose key is then pinned. */
			readonly certificate: Certificate;
			/** For an authority: the exact subject it may vouch for, in RFC 4514's text, normalized here. */
			readonly subject?: string;
			/** For an authority, in place of a subject: whatever it signs is trusted. */
			readonly anySubject?: boolean;
			readonly label?: string;
	  };

/**
 * Adds to the trust store; what is there already gets the new label.
 * @throws ERR_USAGE for an authority without a subject, a subject without an authority, or text that is no subject or label
 */
export function addTrust(trust: NewTrust): TrustEntry {
	if (trust.label !== undefined && !LABEL.test(trust.label)) {
		throw new SigtoolError("ERR_USAGE", `Cannot use the label ${quote(trust.label)}: it must be one line of text`);
	}
	const store = readTrustFile();
	const { pins, authorities } = store;
	const added = utc(Date.now());
	if ("certificate" in trust && isCertificateAuthority(trust.certificate)) {
		const { certificate, label = certificate.subject.text } = trust;
		const authority = { certificate, subject: subjectFor(trust), label, added };
		const others = authorities.filter((other) => authorityId(other) !== authorityId(authority));
		writeTrustFile({ ...store, authorities: [...others, authority] });
		return authorityEntry(authority);
	}
	const given = newPin(trust);
	// A certificate known from before stays when the same key is given by its hash.
	const pin = { ...pins.find(({ spkiSha256 }) => spkiSha256 === given.spkiSha256), ...given, added };
	writeTrustFile({ ...store, pins: [...pins.filter((other) => other.spkiSha256 !== pin.spkiSha256), pin] });
	return pinEntry(pin);
}

/** Adds to the deny list; what is there already gets the new reason. @throws ERR_USAGE for a reason that is not one line */
export function denyTrust({ kind, sha256, reason }: Denial): TrustEntry {
	if (reason === "" || !LABEL.test(reason)) {
		throw new SigtoolError("ERR_USAGE", `Cannot use the reason ${quote(reason)}: it must be one line of text`);
	}
	const store = readTrustFile();
	const denial = { kind, sha256, reason, added: utc(Date.now()) };
	const others = store.denied.filter((other) => denialId(other) !== denialId(denial));
	writeTrustFile({ ...store, denied: [...others, denial] });
	return denialEntry(denial);
}

/** Everything `defaultTrust` trusts and denies. @throws ERR_CONFIG, ERR_LIMIT, ERR_IO */
export function listTrust(): TrustEntry[] {
	const { pins, authorities, denied } = readTrustFile();
	const development = developmentCertificate();
	return [
		...pins.map(pinEntry),
		...authorities.map(authorityEntry),
		...(development === undefined ? [] : [developmentEntry(development)]),
		...denied.map(denialEntry),
	];
}

/** Removes the entries of one id, given whole or by its beginning. @throws ERR_USAGE for none or several */
export function removeTrust(idOrPrefix: string): TrustEntry[] {
	const prefix = idOrPrefix.toLowerCase().replace(/^sha256:/, "");
	const matching = listTrust().filter(({ id }) => prefix !== "" && id.startsWith(prefix));
	const ids = new Set(matching.map(({ id }) => id));
	const [id] = ids;
	if (id === undefined)
		throw cannotRemove(idOrPrefix, "nothing trusted has that id; `sigtool trust list` shows what is");
	if (ids.size > 1) throw cannotRemove(idOrPrefix, `${ids.size} ids begin with it`);
	const removed = matching.filter(({ source }) => source === "store");
	if (removed.length === 0) {
		const { directory } = identityFiles(DEVELOPMENT_IDENTITY);
		throw cannotRemove(idOrPrefix, `it is this machine's development identity; delete ${quote(directory)} instead`);
	}
	const { pins, authorities, denied } = readTrustFile();
	writeTrustFile({
		pins: pins.filter((pin) => pin.spkiSha256 !== id),
		authorities: authorities.filter((authority) => authorityId(authority) !== id),
		denied: denied.filter((denial) => denialId(denial) !== id),
	});
	return removed;
}

function newPin(trust: NewTrust): Omit<StoredPin, "added"> {
	if ("certificate" in trust) {
		const { certificate, subject, anySubject, label = certificate.subject.text } = trust;
		if (subject !== undefined || anySubject === true) {
			const reason = "it is no authority, so its own key is trusted and no subject is needed";
			throw new SigtoolError("ERR_USAGE", `Cannot trust ${quote(certificate.subject.text)} for a subject: ${reason}`);
		}
		if (isDevelopmentCertificate(certificate)) {
			// A pin is a key: the marker in the certificate, which keeps it from being enforced, could be lost.
			const message =
				`Cannot trust ${quote(certificate.subject.text)}: it is a development identity; ` +
				"make one for releases with `sigtool identity new`, or verify with --trust";
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
		throw new SigtoolError("ERR_USAGE", `${action}: it may sign for many; ${way}`);
	}
	const normalized = normalizeNameText(subject);
	if (normalized === undefined) {
		const reason = `${quote(subject)} is no subject; write it as \`sigtool inspect\` prints it, such as "CN=Release,O=Example"`;
		throw new SigtoolError("ERR_USAGE", `${action}: ${reason}`);
	}
	return normalized;
}

/** The marked certificate of this machine's development identity, when there is one. */
function developmentCertificate(): Certificate | undefined {
	const { certificateFile: path } = identityFiles(DEVELOPMENT_IDENTITY);
	if (!exists(path)) return undefined;
	const refuse = (reason: string, cause?: unknown) => {
		const message = `Cannot use development identity ${quote(path)}: ${reason}`;
		return new SigtoolError("ERR_CONFIG", message, { cause, path });
	};
	const bytes = readBounded(path, MAX_CERTIFICATE_SIZE);
	let certificate: Certificate;
	try {
		[certificate] = certificatesFromFileBytes(bytes);
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		throw refuse(cause.message, cause);
	}
	if (!isDevelopmentCertificate(certificate)) throw refuse("its certificate lacks the marker");
	return certificate;
}

function storedPin({ certificate, label }: StoredPin): TrustedPin {
	return { label, source: "store", ...(certificate === undefined ? {} : { knownCertificate: certificate }) };
}

function developmentPin(certificate: Certificate): [string, TrustedPin] {
	return [spkiSha256(certificate), { label: certificate.subject.text, source: "development", certificate }];
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

function denialEntry(denial: StoredDenial): TrustEntry {
	const { kind, sha256, reason, added } = denial;
	return { id: denialId(denial), kind: "denied", denied: kind, sha256, label: reason, added, source: "store" };
}

/** Not the digest alone: a key can be pinned and denied. */
function denialId({ kind, sha256 }: Denial): string {
	return createHash("sha256").update(`denied ${kind} ${sha256}`).digest("hex");
}

/** An authority is trusted for one subject at a time, so each pair is an entry. DER ends itself: no pairs share octets. */
function authorityId({ certificate, subject }: StoredAuthority): string {
	const text = JSON.stringify(subject ?? null);
	return createHash("sha256").update(certificate.der).update(text).digest("hex");
}

function utc(milliseconds: number): string {
	return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function cannotRemove(id: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_USAGE", `Cannot remove ${quote(id)}: ${reason}`);
}
