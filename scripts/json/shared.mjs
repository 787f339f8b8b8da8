/** Objects that the documents of several commands contain. */

import { list, object, optional, orNull, sha256, shared, text, time, truth, words } from "./shapes.mjs";

const signer = (nullable) => {
	const maybe = nullable ? orNull : (schema) => schema;
	return {
		subject: maybe(text("The subject of the certificate. Null if the key alone is pinned.")),
		issuer: maybe(text("The subject of the authority that issued the certificate.")),
		notBefore: maybe(time("The first moment at which the certificate is valid.")),
		notAfter: maybe(time("The last moment at which the certificate is valid.")),
		spkiSha256: sha256("The pin: the SHA-256 of the key's SubjectPublicKeyInfo."),
		development: truth("True for a development identity."),
	};
};

const TRUSTED_BY = object("The entry of the trust store, or the certificate, because of which the signer is trusted.", {
	kind: words("A pinned key, or an authority.", "pin", "authority"),
	label: text("The name of the entry."),
	source: words(
		"Where the entry comes from: the trust store, an option, a configuration that was named, or the development identity.",
		"store",
		"option",
		"configuration",
		"development",
	),
});

export const SHARED = {
	error: object("An error.", {
		code: text("A code of errors.md."),
		message: text("One line that names the subject and the way out."),
		path: optional(text("The file or entry that the error is about.")),
		problems: optional(list("Every problem, if the error is about several.", shared("error"))),
		findings: optional(list("Every difference, if the message names only the first.", shared("finding"))),
	}),
	finding: object("A difference between what was signed and what was found.", {
		code: text("A code of errors.md."),
		path: text('The entry path, with "/" between names. The digest, if a missing member has no name.'),
		message: text("One line that names the entry and tells what is wrong."),
		expected: optional(
			text("The signed digest in hexadecimal, the signed target of a link, or the signed mode in octal."),
		),
		actual: optional(text("The digest, target or mode that was found.")),
		format: optional(text("The format of the attribute, if the finding is about one.")),
		directory: optional(text("The topmost directory above the entry that is missing or was added as a whole.")),
	}),
	signer: object("A signer's certificate.", signer(false)),
	trustedSigner: object(
		"A signer that was verified. If its key alone is pinned, the names and dates are null.",
		signer(true),
	),
	trustedBy: TRUSTED_BY,
	judgedAt: object("The time for which certificates were judged.", {
		source: words("Where the time comes from.", "now", "given", "rfc3161", "countersignature"),
		authority: optional(text("The authority of the timestamp.")),
		without: optional(words("Why no timestamp was used.", "no-timestamp", "unusable-timestamp", "lifetime-signing")),
		time: time("The time."),
	}),
	catalog: object("A verified catalog.", {
		file: text("The path: absolute if the catalog was found, and as it was given if it was named."),
		product: orNull(text("The product.")),
		sequence: orNull({ description: "The sequence.", type: "integer" }),
		signer: shared("trustedSigner"),
		trustedBy: shared("trustedBy"),
		judgedAt: shared("judgedAt"),
		revocation: optional(shared("revocation")),
	}),
	revocation: list(
		"The status of each certificate, if revocation was checked.",
		object("The status of one certificate, or of a pinned key.", {
			subject: text("The subject of the certificate, or the pin."),
			status: words("The status.", "good", "revoked-later", "unknown", "not-asked"),
			source: orNull(text("The list or the responder that said so.")),
			reasons: optional(list("Why the status is unknown, or nobody was asked.", text("A reason."))),
		}),
	),
	timestamp: object("A new timestamp.", {
		time: time("The time."),
		authority: text("The subject of the authority's certificate."),
		url: text("The URL of the authority."),
	}),
	timestampClaim: object("A timestamp that was not verified.", {
		kind: words("The form of the timestamp.", "rfc3161", "countersignature"),
		time: orNull(time("The time that it claims. Null if the timestamp cannot be read.")),
		signer: optional(text("The authority that it claims.")),
		digestAlgorithm: optional(text("The object identifier of the digest algorithm in its signature.")),
		problem: optional(text("Why it cannot be read.")),
	}),
	product: object("A product of a trust index.", {
		name: text("The name."),
		root: text("The directory from which it was compiled."),
		sequence: orNull({ description: "The lowest sequence of its catalogs.", type: "integer" }),
		adopted: optional(truth("True if the directory had no catalog, and the signer of the index adopted it.")),
		catalogs: list("The SHA-256 of each catalog.", sha256("A digest.")),
		signers: optional(
			list(
				"The signers of the catalogs, if the policy has rules.",
				object("A signer.", {
					key: sha256("The SHA-256 of its key."),
					subject: optional(text("The subject of its certificate, if an authority vouches for it.")),
					authorities: list("The SHA-256 of the keys of the authorities above it.", sha256("A digest.")),
				}),
			),
		),
	}),
};
