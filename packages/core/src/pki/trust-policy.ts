/**
 * The policy by which a signer is judged. Keys are pinned by the SHA-256 of their SubjectPublicKeyInfo. An authority is
 * trusted for one exact subject, or for any subject if the user allowed that.
 */

import type { DevelopmentUse } from "../system/development-use.js";
import { type Certificate, spkiSha256 } from "./certificate.js";
import { isCertificateAuthority } from "./certificate-checks.js";
import type { Denial } from "./deny-list.js";

/**
 * The source of an entry: the trust store, an option of this call, a configuration of the project or the host, or this
 * machine's development identity.
 */
export type TrustSource = "store" | "option" | "configuration" | "development";

/** The policy by which verification judges a signer. */
export interface TrustPolicy {
	/** The pinned keys, by the SHA-256 of their SubjectPublicKeyInfo in lower-case hexadecimal. */
	readonly pins: ReadonlyMap<string, TrustedPin>;
	/** The trusted authorities. Entries with equal certificates share one certificate object. */
	readonly authorities: readonly TrustedAuthority[];
	/**
	 * Further authorities whose timestamps are accepted. The timestamps of authorities that are trusted for any subject
	 * are accepted too.
	 */
	readonly timestampAuthorities?: readonly Certificate[];
	/** The deny list, which overrides all trust. */
	readonly deny?: readonly Denial[];
	/** With `refuse`, no development identity is trusted, even if the policy has it as a pin. Default `allow`. */
	readonly development?: DevelopmentUse;
	/**
	 * The key of this machine's development identity: the SHA-256 of its SubjectPublicKeyInfo in lower-case
	 * hexadecimal. A signer with this key is a development identity, even if the policy trusts the key by a
	 * certificate without the marker of one.
	 */
	readonly developmentKey?: string;
	/**
	 * The text that the error for an untrusted signer shows as its remedy. Default: a text about --trust and the trust
	 * store.
	 */
	readonly mend?: string;
	/**
	 * A second policy that must trust the signer too. It can only make this policy narrower. Its own deny list and
	 * `development` count as well, but not its timestamping authorities.
	 */
	readonly within?: TrustPolicy;
	/**
	 * Who must have signed the policy of a trust index. By default nobody needs to, because the signer of the index vouches
	 * for its policy.
	 */
	readonly policySigners?: PolicySigners;
}

/** Demands a signed policy. */
export interface PolicySigners {
	/** The keys, as in `TrustPolicy`. */
	readonly pins: ReadonlyMap<string, TrustedPin>;
	/** The smallest sequence of a policy. By default a policy needs no sequence. */
	readonly minimumSequence?: number | undefined;
}

/** A key that is trusted itself, whoever issued its certificate. */
export interface TrustedPin {
	readonly label: string;
	readonly source: TrustSource;
	/**
	 * The certificate to judge in place of the one that comes with a signature, because a signature does not cover that
	 * one. Undefined if only the hash of the key is known.
	 */
	readonly certificate?: Certificate;
}

/** An authority whose certificates are accepted. */
export interface TrustedAuthority {
	readonly certificate: Certificate;
	/**
	 * The only subject that the authority may vouch for, compared with `DistinguishedName.text`. Undefined if it may
	 * vouch for any subject.
	 */
	readonly subject: string | undefined;
	readonly label: string;
	readonly source: TrustSource;
}

/**
 * Returns a policy that trusts exactly these certificates. An authority is trusted for any subject. The key of any
 * other certificate is pinned.
 * @throws ERR_USAGE for a value that is no list of certificates
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { certificatesFromPem, trustFromCertificates, verifyPath } from "@sigtool/core/read";
 *
 * const trust = trustFromCertificates(certificatesFromPem(readFileSync("ca.crt", "utf8")));
 * console.log((await verifyPath("lib", { trust })).verdict); // trusted
 * ```
 */
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

/**
 * Returns the authorities whose timestamps are accepted. An authority that is trusted for a single subject is left out,
 * because it vouches for that subject and not for the time.
 * @throws ERR_USAGE for a value that is no trust policy
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { openPemSigner, signPaths, timestampAnchors } from "@sigtool/core";
 * import { certificatesFromPem, trustFromCertificates } from "@sigtool/core/read";
 *
 * const signer = await openPemSigner({ keyFile: "release.key", certFile: "release.crt" });
 * const trust = trustFromCertificates(certificatesFromPem(readFileSync("tsa.crt", "utf8")));
 * const timestamp = { urls: ["http://timestamp.example.com"], anchors: timestampAnchors(trust) };
 * const { catalog } = await signPaths(["src"], { signer, timestamp });
 * console.log(catalog?.timestamp?.authority.subject.text); // CN=Time stamps
 * ```
 */
export function timestampAnchors({ authorities, timestampAuthorities = [] }: TrustPolicy): Certificate[] {
	const unbound = authorities.filter(({ subject }) => subject === undefined);
	return [...unbound.map(({ certificate }) => certificate), ...timestampAuthorities];
}
