/**
 * Implements the deny list. It names keys, certificates, catalogs and files that are refused whatever else is trusted.
 * Each denial has a SHA-256 and a reason.
 */

import { hash } from "node:crypto";
import { quote, SigtoolError } from "../errors.js";
import { type Certificate, spkiSha256 } from "./certificate.js";

/**
 * The kind of a denial decides which bytes its SHA-256 covers: for a `key` the SubjectPublicKeyInfo, for a
 * `certificate` its DER, for a `catalog` the file of a catalog or trust index, and for a `file` its whole content. For
 * a certificate or a catalog, the SHA-256 of the signed part counts as well, because an attacker can change the rest:
 * from an ECDSA signature (r, s) anybody can make a second one, (r, n - s).
 */
export const DENIED_KINDS = ["file", "key", "certificate", "catalog"] as const;
/** The kind of thing that a deny list can name. */
export type DeniedKind = (typeof DENIED_KINDS)[number];

/** An entry of a deny list, which counts whatever else is trusted. */
export interface Denial {
	readonly kind: DeniedKind;
	/** The digest in lower-case hexadecimal. */
	readonly sha256: string;
	/** One line of text, which the refusal shows. */
	readonly reason: string;
}

/** Returns the denial with this kind and digest, or undefined if there is none. */
export function denialOf(deny: readonly Denial[] | undefined, kind: DeniedKind, sha256: string): Denial | undefined {
	return deny?.find((denial) => denial.kind === kind && denial.sha256 === sha256);
}

/** Throws if the deny list has a denial of one of these certificates or of its key. @throws ERR_DENIED */
export function refuseDeniedCertificates(
	deny: readonly Denial[] | undefined,
	certificates: Iterable<Certificate>,
): void {
	if (deny === undefined || deny.length === 0) return;
	for (const certificate of certificates) {
		for (const { kind, sha256 } of digestsToDeny(certificate)) {
			const denial = denialOf(deny, kind, sha256);
			if (denial !== undefined) throw denied(`certificate ${quote(certificate.subject.text)}`, denial);
		}
	}
}

/** Returns the digests by which a deny list can name a certificate: that of its key, and its own. */
export function digestsToDeny(certificate: Certificate): readonly Omit<Denial, "reason">[] {
	return [
		{ kind: "key", sha256: spkiSha256(certificate) },
		{ kind: "certificate", sha256: hash("sha256", certificate.der, "hex") },
		{ kind: "certificate", sha256: hash("sha256", certificate.tbs, "hex") },
	];
}

/**
 * Throws if the deny list has a denial of this catalog. `signed` is the part that the catalog's signature covers.
 * @throws ERR_DENIED
 */
export function refuseDeniedCatalog(deny: readonly Denial[] | undefined, bytes: Uint8Array, signed: Uint8Array): void {
	// A catalog can be large and slow to hash, so it is hashed only if there is a denial of the kind `catalog`.
	if (deny?.some(({ kind }) => kind === "catalog") !== true) return;
	refuseDeniedDigests(deny, [hash("sha256", bytes, "hex"), hash("sha256", signed, "hex")]);
}

/** Does what `refuseDeniedCatalog` does for a catalog whose digests are known. @throws ERR_DENIED */
export function refuseDeniedDigests(deny: readonly Denial[] | undefined, digests: readonly string[]): void {
	for (const digest of digests) {
		const denial = denialOf(deny, "catalog", digest);
		if (denial !== undefined) throw denied("the catalog", denial);
	}
}

/** Makes an ERR_DENIED. `what` is the name of the refused thing in the message. */
export function denied(what: string, { kind, reason }: Denial): SigtoolError {
	return new SigtoolError("ERR_DENIED", `Cannot trust ${what}: the deny list names its ${kind}: ${reason}`);
}
