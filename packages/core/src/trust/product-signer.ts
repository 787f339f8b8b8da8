/** Describes a verified signer as rules name signers. */

import { spkiSha256 } from "../pki/certificate.js";
import type { VerifiedSigner } from "../pki/signer-trust.js";
import type { ProductSigner } from "./file-rules.js";

/** Only an authority vouches for a subject: whoever has a pinned key can make a certificate with any subject. */
export function productSigner({ leaf, chain, spkiSha256: key, trustedBy }: VerifiedSigner): ProductSigner {
	if (trustedBy.kind === "pin") return { key, subject: undefined, authorities: [] };
	return { key, subject: leaf.subject.text, authorities: [...new Set(chain.slice(1).map(spkiSha256))] };
}
