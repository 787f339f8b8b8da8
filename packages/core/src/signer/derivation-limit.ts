import type { Derivation } from "./pkcs12-derivation.js";

/** Limits the iterations of all key derivations for one file together. The caller asks before each derivation. */
export class DerivationLimit {
	private iterations = 0;

	/** Adds a derivation that the caller is about to make. Returns the reason why it must not be made, or undefined. */
	add({ iterations }: Pick<Derivation, "iterations">): string | undefined {
		this.iterations += iterations;
		if (this.iterations <= MAX_ITERATIONS) return undefined;
		return `takes ${this.iterations} iterations or more, at most ${MAX_ITERATIONS} are taken`;
	}
}

/**
 * Common tools write 2,048 to 600,000 iterations for each derivation. A container usually needs three derivations: one
 * for the MAC, and one for each of two encrypted parts.
 */
const MAX_ITERATIONS = 5_000_000;
