/**
 * The deny list: keys, certificates, catalogs and files that are refused whatever else is trusted, each by a SHA-256
 * and with a reason.
 */

import { createHash } from "node:crypto";
import { quote, SigtoolError } from "../errors.js";
import { type Certificate, spkiSha256 } from "./certificate.js";

/**
 * The kind of a denial decides which bytes its SHA-256 covers. They are the SubjectPublicKeyInfo for a `key`, the DER
 * for a `certificate`, the file of a catalog or trust index for a `catalog`, and the whole content for a `file`. The
 * SHA-256 of a certificate or catalog may instead cover the part that is signed, because an attacker can change the
 * rest: from an ECDSA signature (r, s) anybody can make a second one, (r, n - s).
 */
export const DENIED_KINDS = ["file", "key", "certificate", "catalog"] as const;
export type DeniedKind = (typeof DENIED_KINDS)[number];

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

/** Throws if the deny list has one of these certificates or the key of one. @throws ERR_DENIED */
export function refuseDeniedCertificates(
	deny: readonly Denial[] | undefined,
	certificates: Iterable<Certificate>,
): void {
	if (deny === undefined || deny.length === 0) return;
	for (const certificate of certificates) {
		const denial =
			denialOf(deny, "key", spkiSha256(certificate)) ??
			denialOf(deny, "certificate", sha256Of(certificate.der)) ??
			denialOf(deny, "certificate", sha256Of(certificate.tbs));
		if (denial !== undefined) throw denied(`certificate ${quote(certificate.subject.text)}`, denial);
	}
}

/**
 * Throws if the deny list has this catalog. `signed` is the part that the catalog's signature covers.
 * @throws ERR_DENIED
 */
export function refuseDeniedCatalog(deny: readonly Denial[] | undefined, bytes: Uint8Array, signed: Uint8Array): void {
	// A catalog can be large and slow to hash, so it is hashed only if the list denies any catalog.
	if (deny?.some(({ kind }) => kind === "catalog") !== true) return;
	for (const part of [bytes, signed]) {
		const denial = denialOf(deny, "catalog", sha256Of(part));
		if (denial !== undefined) throw denied("the catalog", denial);
	}
}

/** Makes an ERR_DENIED. `what` is the name of the refused thing in the message. */
export function denied(what: string, { kind, reason }: Denial): SigtoolError {
	return new SigtoolError("ERR_DENIED", `Cannot trust ${what}: the deny list names its ${kind}: ${reason}`);
}

function sha256Of(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}
