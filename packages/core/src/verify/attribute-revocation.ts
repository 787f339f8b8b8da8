/**
 * Checks the signers of extended attributes for revocation. Attributes have no timestamps, so all signers are judged
 * for the same time: a given time, or now.
 */

import { SigtoolError } from "../errors.js";
import type { TrustedKey } from "../pki/attribute-keys.js";
import type { Profile } from "../pki/signature-algorithm.js";
import { judgementAt, type SignerStatus, signerStatuses } from "./chain-revocation.js";
import { type RevocationOptions, revocationSources } from "./revocation-sources.js";

export interface AttributeSigners {
	/**
	 * The refused keys. The key of the map is the SHA-256 of the SubjectPublicKeyInfo in hexadecimal, and the value is
	 * the reason why the signatures of this key do not count.
	 */
	readonly refused: ReadonlyMap<string, SigtoolError>;
	readonly statuses: readonly SignerStatus[];
	readonly warnings: readonly string[];
}

export interface AttributeSignersOptions {
	readonly revocation: RevocationOptions;
	readonly at?: number | undefined;
	readonly profile?: Profile | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Judges the chain of each key. Refuses a key whose certificate was revoked and, with `ocsp: "require"`, a key for
 * which a status is unknown.
 * @throws ERR_CONFIG for the proxy
 */
export async function checkAttributeSigners(
	keys: Iterable<TrustedKey>,
	{ revocation, at, profile = "default", signal }: AttributeSignersOptions,
): Promise<AttributeSigners> {
	const sources = revocationSources(revocation, profile, signal);
	const refused = new Map<string, SigtoolError>();
	const statuses: SignerStatus[] = [];
	const warnings: string[] = [];
	for (const key of keys) {
		try {
			const report = await signerStatuses(key, judgementAt(at), sources);
			statuses.push(...report.statuses);
			warnings.push(...report.warnings);
		} catch (error) {
			if (!(error instanceof SigtoolError) || !REFUSALS.has(error.code)) throw error;
			refused.set(key.spkiSha256, error);
		}
	}
	return { refused, statuses, warnings };
}

const REFUSALS: ReadonlySet<string> = new Set(["ERR_CERTIFICATE_REVOKED", "ERR_REVOCATION_UNKNOWN"]);
