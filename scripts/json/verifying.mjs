/** The documents of commands that judge files and the system. */

import { indexMembers, path, signerMembers } from "./members.mjs";
import {
	constant,
	count,
	hex,
	list,
	map,
	object,
	optional,
	orNull,
	sha256,
	shared,
	text,
	truth,
	words,
} from "./shapes.mjs";

const findings = list("The differences that decide the verdict.", shared("finding"));

const VERIFIED = [
	object("A directory, a file or a catalog.", {
		path,
		verdict: words(
			"The verdict. `signed` means that no files were compared.",
			"trusted",
			"signed",
			"failed",
			"undecided",
		),
		root: orNull(text("The real path of the directory to which entry paths are relative.")),
		development: truth("True if a development identity signed one of the catalogs."),
		match: words("How files were compared with the catalogs.", "path", "digest", "none"),
		covers: words("The part of the tree that the catalogs cover.", "tree", "list", "include", "paths", "file", "none"),
		others: orNull(count("The number of files that the catalogs do not cover. Null if they were not counted.")),
		leadsTo: orNull(text("The real path of the catalog, if `path` is a link to it.")),
		linksOutside: orNull(count("The number of links that lead out of the tree.")),
		checked: count("The number of entries that were compared."),
		ignored: count("The number of entries that signed rules hide."),
		findings,
		notices: list("The differences that do not decide the verdict.", shared("finding")),
		catalogs: list("The catalogs that were used.", shared("catalog")),
	}),
	object("The extended attributes of a file, or of the files of a directory.", {
		path,
		verdict: words(
			"The verdict. `unchanged` means that hashes match which nobody signed.",
			"trusted",
			"unchanged",
			"failed",
			"undecided",
		),
		formats: list("The formats that were verified.", text("A format.")),
		counts: map("The number of attributes of each status.", count("A number.")),
		files: count("The number of files."),
		links: count("The number of links, which have no such attributes."),
		binds: orNull(text("What the signatures bind.")),
		passedOver: orNull(text("The catalog of the directory, which has a signature of its own.")),
		attributes: list(
			"The status of each attribute.",
			object("One attribute.", {
				path: text("The entry path."),
				format: text("The format."),
				status: text("The status."),
				signer: optional(sha256("The pin of the signer.")),
				code: optional(text("A code of errors.md, if it does not count.")),
			}),
		),
		findings,
		signers: list("The signers.", object("A signer.", { ...signerMembers(), trustedBy: shared("trustedBy") })),
		revocation: optional(shared("revocation")),
	}),
	object("A trust index, whose files runtimes compare.", {
		path,
		verdict: words("The verdict.", "signed", "failed"),
		development: truth("True if a development identity signed it."),
		match: constant("none"),
		findings: list(
			"Denied files that it names.",
			object("A denied file.", {
				code: text("A code of errors.md."),
				path: text("The path of the index."),
				message: text("One line with the reason."),
				sha256: sha256("The digest of the file."),
			}),
		),
		index: object("The content.", indexMembers()),
		signer: shared("trustedSigner"),
		trustedBy: shared("trustedBy"),
		policySigner: orNull(shared("trustedSigner", "The signer of the policy, if `--policy-signer` demands one.")),
		judgedAt: shared("judgedAt"),
		revocation: optional(shared("revocation")),
	}),
	object("A path for which there is no verdict, because an error prevented it.", {
		path,
		verdict: words("The verdict.", "failed", "undecided"),
		error: shared("error"),
		findings: { description: "No findings.", type: "array", maxItems: 0 },
	}),
];

export const VERIFYING = {
	verify: {
		about: "Compares files with what a trusted signer signed.",
		results: [
			object("The verdicts.", {
				results: {
					description: "The outcome for each path, and for each kind of signature.",
					type: "array",
					items: { anyOf: VERIFIED },
				},
			}),
		],
	},
	digest: {
		about: "Computes digests of files.",
		results: [
			object("The digests.", {
				algorithm: text("The algorithm."),
				results: {
					description: "The outcome for each file.",
					type: "array",
					items: {
						anyOf: [
							object("A digest.", {
								file: text("The path as it was given, or `-`."),
								digest: hex("The digest."),
								sizeBytes: count("The number of bytes."),
							}),
							object("An error.", { file: text("The path as it was given."), error: shared("error") }),
						],
					},
				},
			}),
		],
	},
	doctor: {
		about: "Examines what the system offers.",
		results: [
			object("The checks.", {
				path: text("The path whose file system was examined."),
				checks: list(
					"The checks.",
					object("One check.", {
						id: text("A stable identifier."),
						title: text("The title."),
						status: words("The result.", "yes", "no", "partly", "unknown"),
						value: text("What was found."),
						meaning: text("What sigtool uses it for."),
					}),
				),
			}),
		],
	},
};
