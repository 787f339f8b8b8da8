/** Members that objects of several documents have. */

import { count, elsewhere, list, object, optional, orNull, sha256, shared, text, time, truth } from "./shapes.mjs";

/** The member that repeats an operand. */
export const path = text("The path as it was given.");

/** The members about the certificate of a signer. */
export function signerMembers() {
	return {
		subject: text("The subject of the certificate."),
		issuer: text("The subject of the authority that issued it."),
		notBefore: time("The first moment at which it is valid."),
		notAfter: time("The last moment at which it is valid."),
		spkiSha256: sha256("The pin."),
		development: truth("True for a development identity."),
	};
}

/** The member about the signature of a policy. */
export function signedPolicy() {
	return orNull(
		object("The signature of the policy, if it has one. Nobody has judged its signer here.", {
			subject: optional(text("The subject of the signer's certificate.")),
			key: optional(sha256("The pin of the signer.")),
			problem: optional(shared("error")),
		}),
	);
}

/** The members about the content of a trust index. */
export function indexMembers() {
	return {
		sha256: sha256("The digest of the index."),
		products: list("The products.", shared("product")),
		policy: elsewhere("The policy (policy.md)."),
		signedPolicy: signedPolicy(),
		compiled: orNull(count("The sequence of the index.")),
		compiledAt: time("The time at which it was compiled."),
		notAfter: orNull(time("The end of the index.")),
		catalogSigners: list("The pins of the catalogs' signers.", sha256("A pin.")),
		entries: count("The number of entries."),
	};
}
