import { type Derivation, HASHES } from "./pkcs12-derivation.js";

/**
 * Limits the work of all key derivations for one file together. The caller asks before each derivation. One iteration
 * of PBKDF2 for one block counts as 1. The number of iterations alone does not say how long a derivation takes, because
 * it makes all its iterations for each block of its result.
 */
export class DerivationLimit {
	private work = 0;

	/**
	 * Counts a derivation that the caller is about to make. `lengths` are the sizes in bytes of the values that it
	 * derives. Returns undefined if the limit is kept. Otherwise returns the end of a sentence for an error, and the
	 * caller must not make the derivation.
	 */
	add({ kind, hash, iterations }: CountedDerivation, ...lengths: readonly number[]): string | undefined {
		const { hashBytes, pkcs12Weight } = HASHES[hash];
		const blocks = lengths.reduce((sum, length) => sum + Math.ceil(length / hashBytes), 0);
		this.work += iterations * blocks * (kind === "pkcs12" ? pkcs12Weight : 1);
		if (this.work <= MAX_WORK) return undefined;
		return `takes the work of ${this.work} iterations or more, at most ${MAX_WORK} are taken`;
	}
}

export type CountedDerivation = Pick<Derivation, "kind" | "hash" | "iterations">;

/**
 * Work up to the limit takes a few seconds. Common tools write 2,048 to 600,000 iterations for each derivation. A
 * container usually needs three derivations: one for the MAC, and one for each of two encrypted parts.
 */
const MAX_WORK = 5_000_000;
