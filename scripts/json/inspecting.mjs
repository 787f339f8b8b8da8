/** The documents of `inspect`, one for each kind of file. */

import { indexMembers, path, signerMembers } from "./members.mjs";
import {
	constant,
	count,
	hex,
	list,
	object,
	optional,
	orNull,
	sha256,
	shared,
	text,
	time,
	truth,
	words,
} from "./shapes.mjs";

const nameValue = object("An attribute of a catalog or a member.", {
	name: text("The name."),
	flags: { description: "The flags of CryptCATAttribute.", type: "integer" },
	value: text("The value."),
});

const carried = object("A carried extended attribute.", {
	name: text("The name."),
	sizeBytes: count("The size."),
	base64: text("The value in base64."),
});

const inspectedAttributes = orNull(
	list(
		"The integrity attributes of the file. Null if they could not be read.",
		object("One attribute.", {
			name: text("The name."),
			sizeBytes: count("The size of the value."),
			value: hex("The first bytes of the value, in hexadecimal."),
			truncated: truth("True if the value is longer."),
			kind: text("The kind of the value."),
			algorithm: optional(text("The algorithm of the digest.")),
			digest: optional(hex("The digest.")),
			keyId: optional(text("The key that signed.")),
			signatureBytes: optional(count("The size of the signature.")),
			problem: optional(text("Why the value is malformed.")),
		}),
	),
);

const inspected = {
	linkTo: orNull(text("The file to which the path leads, if it is a link.")),
	verified: constant(false),
	extendedAttributes: inspectedAttributes,
	extendedAttributesError: optional(shared("error")),
};

export const INSPECTING = {
	inspect: {
		about: "Shows what a file contains, verified or not.",
		results: [
			object("A catalog, and the attributes of its file.", {
				catalog: path,
				...inspected,
				version: words("The version of the format.", 1, 2),
				listId: hex("The list id."),
				thisUpdate: time("The time that the catalog claims."),
				attributes: list("The attributes of the list.", nameValue),
				facts: orNull(
					object("The facts that sigtool records.", {
						product: optional(text("The product.")),
						sequence: optional(count("The sequence.")),
						modes: words("Whether modes are recorded.", "posix", "none"),
						links: words("How links were signed.", "record", "follow", "follow-outside"),
						caseCollisions: words("Whether names may differ only by case.", "refuse", "allow"),
						ignore: list("The ignore rules.", text("A rule.")),
						include: list("The include globs.", text("A glob.")),
						scope: {
							description: "The part of the tree that is covered: `root`, `listed`, or paths.",
							anyOf: [{ enum: ["root", "listed"] }, { type: "array", items: { type: "string" } }],
						},
						emptyFiles: list("The zero-length files.", text("An entry path.")),
						symbolicLinks: list("The links, each with its target.", list("A link.", text("A path or a target."))),
						carried: list("The attributes of zero-length files.", {
							description: "A path, and its attributes.",
							type: "array",
						}),
					}),
				),
				members: list(
					"The members.",
					object("A member.", {
						digest: hex("The digest."),
						digestAlgorithm: words("Its algorithm.", "sha1", "sha256"),
						subject: words("The kind of the file.", "unknown", "flat", "pe", "cab"),
						name: optional(text("The name.")),
						attributes: list("Its attributes.", nameValue),
						carried: list("The carried extended attributes.", carried),
					}),
				),
				carried: object("What is carried.", {
					files: count("The number of files with attributes."),
					attributes: count("The number of attributes."),
				}),
				signers: list(
					"The signers, as they claim.",
					object("A signer.", {
						subject: optional(text("The subject of the certificate.")),
						spkiSha256: optional(sha256("The pin.")),
						digestAlgorithm: text("The object identifier of the digest algorithm."),
						digestAlgorithmName: optional(text("Its name.")),
						signatureAlgorithm: text("The object identifier of the signature algorithm."),
						signatureAlgorithmName: optional(text("Its name.")),
						signedAttributes: list("The signed attributes.", text("An object identifier.")),
						unsignedAttributes: list("The unsigned attributes.", text("An object identifier.")),
						timestamps: list("The timestamps.", shared("timestampClaim")),
						nestedSignatures: list(
							"The nested signatures.",
							object("A nested signature.", {
								signers: list("The subjects of its signers.", text("A subject.")),
								digestAlgorithms: list("Their digest algorithms.", text("An object identifier.")),
							}),
						),
					}),
				),
				certificates: list(
					"The certificates.",
					object("A certificate.", { ...signerMembers(), signer: truth("True for the certificate of a signer.") }),
				),
				anomalies: list("What is unusual about the encoding.", text("An anomaly.")),
			}),
			object("A file that is no catalog, with its attributes.", { file: path, ...inspected }),
			object("A trust index.", {
				index: path,
				verified: truth("True if this user trusts its signer."),
				problem: optional(shared("error")),
				signer: orNull(shared("trustedSigner")),
				judgedAt: orNull(shared("judgedAt")),
				timestamps: list("The timestamps, as they claim.", shared("timestampClaim")),
				...indexMembers(),
				texts: list("The digests of compiled texts.", sha256("A digest.")),
				members: list("The entries.", {
					anyOf: [
						object("A file.", {
							product: text("The product."),
							path: text("The entry path."),
							kind: constant("file"),
							sha256: sha256("The digest."),
							size: count("The size in bytes."),
						}),
						object("A link.", {
							product: text("The product."),
							path: text("The entry path."),
							kind: constant("link"),
							target: text("The target."),
						}),
					],
				}),
			}),
		],
	},
};
