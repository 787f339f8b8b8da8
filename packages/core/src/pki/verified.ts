/** The brand of data that a trusted signer vouches for. */

declare const verified: unique symbol;
/** Data whose signature, chain and trust were established. Only verify-catalog.ts and trust/trust-index.ts make it. */
export type Verified<T> = T & { readonly [verified]: true };
