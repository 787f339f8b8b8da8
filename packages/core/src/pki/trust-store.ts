/**
 * Whom this user trusts: keys, pinned by the SHA-256 of their SubjectPublicKeyInfo, and authorities, each for one exact
 * subject unless any was asked for. The roots of the web are never among them.
 */

import { quote, SigtoolError } from "../errors.js";
import { exists, readBounded } from "../system/store.js";
import { DEVELOPMENT_IDENTITY, hasHome, identityFiles } from "../system/user-files.js";
import {
	type Certificate,
	certificatesFromFileBytes,
	isDevelopmentCertificate,
	MAX_CERTIFICATE_SIZE,
	spkiSha256,
} from "./certificate.js";
import { isCertificateAuthority } from "./certificate-checks.js";
import type { Denial } from "./deny-list.js";
import { readTrustFile, type StoredPin } from "./trust-file.js";

/** Where trust comes from: the trust store, this call's own options, or this machine's development identity. */
export type TrustSource = "store" | "option" | "development";

/** What verification judges a signer by. */
export interface TrustPolicy {
	/** By lowercase hexadecimal SHA-256 of the SubjectPublicKeyInfo. */
	readonly pins: ReadonlyMap<string, TrustedPin>;
	/** Entries of equal certificates share one object. */
	readonly authorities: readonly TrustedAuthority[];
	/** Whose timestamps count, beside those of authorities for any subject. */
	readonly timestampAuthorities?: readonly Certificate[];
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
	const { pins, authorities, timestampAuthorities, denied } = readTrustFile();
	const development = developmentCertificate();
	return {
		timestampAuthorities: timestampAuthorities.map(({ certificate }) => certificate),
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
export function timestampAnchors({ authorities, timestampAuthorities = [] }: TrustPolicy): Certificate[] {
	const unbound = authorities.filter(({ subject }) => subject === undefined);
	return [...unbound.map(({ certificate }) => certificate), ...timestampAuthorities];
}

/** The marked certificate of this machine's development identity, when there is one. @throws ERR_CONFIG, ERR_LIMIT, ERR_IO */
export function developmentCertificate(): Certificate | undefined {
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
