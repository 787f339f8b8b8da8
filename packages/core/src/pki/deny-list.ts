/** What is not trusted whoever vouches for it: keys, certificates, catalogs and files, each by a SHA-256 and with a reason. */

import { createHash } from "node:crypto";
import { quote, SigtoolError } from "../errors.js";
import { type Certificate, spkiSha256 } from "./certificate.js";

/**
 * `key`: its SubjectPublicKeyInfo; `certificate`: its DER; `catalog`: a catalog or index file; `file`: the whole content. Of
 * certificates and catalogs also what is signed in them, which no change to the rest escapes: of an ECDSA signature (r, s)
 * anybody can make a second one, (r, n - s).
 */
export const DENIED_KINDS = ["file", "key", "certificate", "catalog"] as const;
export type DeniedKind = (typeof DENIED_KINDS)[number];

export interface Denial {
	readonly kind: DeniedKind;
	/** Lowercase hexadecimal. */
	readonly sha256: string;
	/** One line, shown with the refusal. */
	readonly reason: string;
}

/** The denial of one thing; undefined when it is not denied. */
export function denialOf(deny: readonly Denial[] | undefined, kind: DeniedKind, sha256: string): Denial | undefined {
	return deny?.find((denial) => denial.kind === kind && denial.sha256 === sha256);
}

/** @throws ERR_DENIED when any of the certificates, or its key, is denied */
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

/** `signed`: the octets that its signature covers. @throws ERR_DENIED */
export function refuseDeniedCatalog(deny: readonly Denial[] | undefined, octets: Uint8Array, signed: Uint8Array): void {
	if (deny?.some(({ kind }) => kind === "catalog") !== true) return; // Catalogs can be large.
	for (const part of [octets, signed]) {
		const denial = denialOf(deny, "catalog", sha256Of(part));
		if (denial !== undefined) throw denied("the catalog", denial);
	}
}

/** ERR_DENIED, about something named. */
export function denied(what: string, { kind, reason }: Denial): SigtoolError {
	return new SigtoolError("ERR_DENIED", `Cannot trust ${what}: the deny list names its ${kind}: ${reason}`);
}

function sha256Of(octets: Uint8Array): string {
	return createHash("sha256").update(octets).digest("hex");
}
