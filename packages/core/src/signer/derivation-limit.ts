import type { Derivation } from "./pkcs12-derivation.js";

/** Limits the iterations of all key derivations of one file together, before any of them is made. */
export class DerivationLimit {
	private iterations = 0;

	/** Adds a derivation that is about to be made. Returns why it must not be made, or undefined. */
	add({ iterations }: Pick<Derivation, "iterations">): string | undefined {
		this.iterations += iterations;
		if (this.iterations <= MAX_ITERATIONS) return undefined;
		return `takes ${this.iterations} iterations or more, at most ${MAX_ITERATIONS} are taken`;
	}
}

/** Common tools write 2,048 to 600,000, once for the MAC and once for each of usually two encrypted parts. */
const MAX_ITERATIONS = 5_000_000;
