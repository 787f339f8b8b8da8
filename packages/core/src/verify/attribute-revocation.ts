/** Checks the signers of extended attributes for revocation. Attributes have no timestamps, so all are judged for one time. */

import { SigtoolError } from "../errors.js";
import type { TrustedKey } from "../pki/attribute-keys.js";
import type { Profile } from "../pki/signature-algorithm.js";
import { judgementAt, type SignerStatus, signerStatuses } from "./chain-revocation.js";
import { type RevocationOptions, revocationSources } from "./revocation-sources.js";

export interface AttributeSigners {
	/** The reason why the signatures of a key do not count, by the SHA-256 of its SubjectPublicKeyInfo. */
	readonly refused: ReadonlyMap<string, SigtoolError>;
	readonly statuses: readonly SignerStatus[];
	readonly warnings: readonly string[];
}

export interface AttributeSignersOptions {
	readonly revocation: RevocationOptions;
	readonly at?: number | undefined;
	readonly profile?: Profile | undefined;
}

/** Judges each key. Refuses a key that was revoked and, with `ocsp: "require"`, a key whose status is unknown. */
export async function checkAttributeSigners(
	keys: Iterable<TrustedKey>,
	{ revocation, at, profile = "default" }: AttributeSignersOptions,
): Promise<AttributeSigners> {
	const sources = revocationSources(revocation, profile);
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
