declare const verified: unique symbol;
/**
 * Data whose signature, chain and signer were checked. Only verify-catalog.ts and trust/verify-index.ts make values of
 * this type.
 */
export type Verified<T> = T & { readonly [verified]: true };
