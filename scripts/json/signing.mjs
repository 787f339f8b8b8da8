/** The documents of commands that write signatures. */

import { path } from "./members.mjs";
import {
	constant,
	count,
	elsewhere,
	list,
	map,
	object,
	optional,
	orNull,
	shared,
	text,
	time,
	truth,
	words,
} from "./shapes.mjs";

const digest = text("The SHA-256 of the unsigned file, with `sha256:` before it.");

const changed = (description) => list(description, text("A path."));

export const SIGNING = {
	sign: {
		about: "Hashes a tree and signs it.",
		results: [
			object("The signature that was written.", {
				catalog: orNull(text("The path of the catalog. Null if only attributes were written.")),
				root: text("The real path of the signed directory."),
				product: optional(text("The product, if there is a catalog.")),
				sequence: optional(count("The sequence, if there is a catalog.")),
				carried: optional(count("The number of files whose attributes the catalog carries.")),
				attributes: list(
					"The attributes that were written, by format.",
					object("One format.", {
						format: text("The format."),
						name: text("The name of the attribute."),
						writtenCount: count("The number of files to which it was written."),
						unchangedCount: count("The number of files that had it already."),
					}),
				),
				overtaken: count("The number of EVM signatures that no longer hold."),
				files: count("The number of files."),
				links: count("The number of symbolic links."),
				bytes: count("The size of all files."),
				ignored: object("What rules left out.", {
					entries: count("The number of entries. A directory counts once."),
					rules: list("The rules, which the catalog records.", text("A rule.")),
				}),
				timestamp: optional(shared("timestamp")),
				digest: optional(digest),
				development: truth("True if a development identity signed."),
				signer: orNull(shared("signer")),
			}),
			object("What `--dry-run` would sign.", {
				dryRun: constant(true),
				catalog: orNull(text("The path of the catalog.")),
				root: text("The real path of the directory."),
				product: optional(text("The product, if there would be a catalog.")),
				sequence: optional(count("The sequence, if there would be a catalog.")),
				formats: optional(list("The formats of `--format`.", text("A format."))),
				bytes: count("The size of all files."),
				files: list("The files.", object("A file.", { path: text("The entry path."), bytes: count("Its size.") })),
				links: list(
					"The symbolic links.",
					object("A link.", { path: text("The entry path."), target: text("Its target.") }),
				),
				ignored: list("The entries that rules leave out. A directory stands for what is in it.", text("A path.")),
				rules: list("The rules, which the catalog would record.", text("A rule.")),
				problems: list("Why it would not be signed.", shared("error")),
			}),
		],
	},
	finish: {
		about: "Signs a catalog or an index that was written with `--unsigned`.",
		results: [
			object("A signed catalog.", {
				catalog: text("The path of the catalog."),
				product: orNull(text("The product.")),
				sequence: orNull(count("The sequence.")),
				files: count("The number of files."),
				links: count("The number of symbolic links."),
				unsignedDigest: digest,
				signer: shared("signer"),
				timestamp: optional(shared("timestamp")),
				since: optional(
					object("The changes since the catalog of `--previous`, which was not verified.", {
						catalog: text("The path of that catalog."),
						product: orNull(text("Its product.")),
						sequence: orNull(count("Its sequence.")),
						added: changed("Paths that it has not."),
						removed: changed("Paths that it alone has."),
						changed: changed("Paths with other content or another target."),
						modeChanged: changed("Paths with another mode."),
					}),
				),
			}),
			object("A signed trust index.", {
				index: text("The path of the index."),
				compiled: orNull(count("The sequence of the index.")),
				products: list("Its products.", shared("product")),
				policy: elsewhere("The policy (policy.md)."),
				notAfter: orNull(time("The end of the index.")),
				unsignedDigest: digest,
				signer: shared("signer"),
				timestamp: optional(shared("timestamp")),
				since: optional(
					object("The changes since the index of `--previous`, which was not verified.", {
						index: text("The path of that index."),
						compiled: orNull(count("Its sequence.")),
						added: changed("Entries that it has not."),
						removed: changed("Entries that it alone has."),
						changed: changed("Entries that differ."),
						addedTexts: changed("Digests of texts that it has not."),
						removedTexts: changed("Digests of texts that it alone has."),
					}),
				),
			}),
		],
	},
	timestamp: {
		about: "Adds a timestamp to a signed catalog.",
		results: [object("The timestamp.", { catalog: text("The path of the catalog."), timestamp: shared("timestamp") })],
	},
	restore: {
		about: "Writes the attributes that a catalog carries.",
		results: [
			object("What was written.", {
				path,
				verdict: words("The verdict.", "restored", "failed", "undecided"),
				files: count("The number of files for which attributes are carried."),
				written: object("What was written.", {
					files: count("The number of files."),
					attributes: count("The number of attributes."),
				}),
				unchanged: count("The number of attributes that were there already."),
				findings: list("The files that were not restored.", shared("finding")),
				catalogs: list("The catalogs.", shared("catalog")),
			}),
		],
	},
	strip: {
		about: "Removes attributes from files.",
		results: [
			object("What was removed.", {
				results: list(
					"The outcome for each path.",
					object("The outcome for one path.", {
						path,
						verdict: words("The verdict.", "stripped", "failed", "undecided"),
						files: count("The number of files that were looked at."),
						removed: map("The number of files from which each attribute was removed, by name.", count("A number.")),
						findings: list("The problems.", shared("finding")),
						error: optional(shared("error")),
					}),
				),
			}),
		],
	},
	convert: {
		about: "Writes the signature of a catalog in another form.",
		results: [
			object("What was written.", {
				output: text("The path of the new file."),
				into: text("The form."),
				content: optional(text("The path of the signed content.")),
				file: text("The path of the catalog."),
				product: orNull(text("The product.")),
				sequence: orNull(count("The sequence.")),
				signer: shared("trustedSigner"),
				trustedBy: shared("trustedBy"),
				judgedAt: shared("judgedAt"),
			}),
		],
	},
};
