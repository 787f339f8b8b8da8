import { type Derivation, HASHES } from "./pkcs12-derivation.js";

/**
 * Limits the work of all key derivations for one file together. The caller asks before each derivation. The work is
 * counted in iterations of HMAC-SHA-256, because the number of iterations alone does not say how long a derivation
 * takes: a derivation makes all its iterations for each block of its result.
 */
export class DerivationLimit {
	private work = 0;

	/**
	 * Adds the derivation of values with these lengths in bytes, which the caller is about to make. Returns the reason
	 * why it must not be made, or undefined.
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
 * The limit takes a few seconds. Common tools write 2,048 to 600,000 iterations for each derivation. A container usually
 * needs three derivations: one for the MAC, and one for each of two encrypted parts.
 */
const MAX_WORK = 5_000_000;
