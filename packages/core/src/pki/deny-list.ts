/**
 * The deny list: keys, certificates, catalogs and files that are refused whatever else is trusted, each by a SHA-256
 * and with a reason.
 */

import { createHash } from "node:crypto";
import { quote, SigtoolError } from "../errors.js";
import { type Certificate, spkiSha256 } from "./certificate.js";

/**
 * The SHA-256 of a denial covers, for a `key`, the SubjectPublicKeyInfo; for a `certificate`, its DER; for a `catalog`,
 * the file of a catalog or trust index; for a `file`, the whole content. For certificates and catalogs it may instead
 * cover the part that is signed, because the rest can be changed: from an ECDSA signature (r, s) anybody can make a
 * second one, (r, n - s).
 */
export const DENIED_KINDS = ["file", "key", "certificate", "catalog"] as const;
export type DeniedKind = (typeof DENIED_KINDS)[number];

export interface Denial {
	readonly kind: DeniedKind;
	/** In lower-case hexadecimal. */
	readonly sha256: string;
	/** One line of text, which the refusal shows. */
	readonly reason: string;
}

/** Returns the denial with this kind and digest, undefined when there is none. */
export function denialOf(deny: readonly Denial[] | undefined, kind: DeniedKind, sha256: string): Denial | undefined {
	return deny?.find((denial) => denial.kind === kind && denial.sha256 === sha256);
}

/** Refuses certificates of which one, or its key, is denied. @throws ERR_DENIED */
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

/** Refuses a catalog that is denied; `signed` is the part that its signature covers. @throws ERR_DENIED */
export function refuseDeniedCatalog(deny: readonly Denial[] | undefined, bytes: Uint8Array, signed: Uint8Array): void {
	if (deny?.some(({ kind }) => kind === "catalog") !== true) return; // Catalogs can be large and slow to hash.
	for (const part of [bytes, signed]) {
		const denial = denialOf(deny, "catalog", sha256Of(part));
		if (denial !== undefined) throw denied("the catalog", denial);
	}
}

/** Makes an ERR_DENIED; `what` names the thing that is refused. */
export function denied(what: string, { kind, reason }: Denial): SigtoolError {
	return new SigtoolError("ERR_DENIED", `Cannot trust ${what}: the deny list names its ${kind}: ${reason}`);
}

function sha256Of(bytes: Uint8Array): string {
	return createHash("sha256").update(bytes).digest("hex");
}
