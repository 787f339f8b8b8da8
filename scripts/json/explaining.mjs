/** The documents of commands that compare and explain. */

import { VERDICTS } from "../../packages/verifier/dist/audit/verdicts.js";
import { path } from "./members.mjs";
import {
	constant,
	count,
	elsewhere,
	hex,
	list,
	object,
	optional,
	orNull,
	sha256,
	shared,
	text,
	truth,
	words,
} from "./shapes.mjs";

const side = (description) => ({
	description,
	anyOf: [
		object("A catalog.", {
			path,
			kind: constant("catalog"),
			entries: count("The number of entries."),
			verified: truth("True if a trusted signer signed it."),
			problem: orNull(shared("error")),
			product: orNull(text("The product.")),
			sequence: orNull(count("The sequence.")),
			signer: orNull(
				object("The signer. Only a claim if the catalog was not verified.", {
					subject: orNull(text("The subject of the certificate.")),
					spkiSha256: sha256("The pin."),
					development: truth("True for a development identity."),
				}),
			),
		}),
		object("A tree as it is now. Nothing of it was verified.", {
			path,
			kind: constant("tree"),
			entries: count("The number of entries."),
			root: text("The real path."),
			leftOut: list("What was left out: its own catalogs, and directories of version control.", text("A path.")),
		}),
	],
});

const DIFFERENCES = [
	...["product", "sequence", "signer", "rules", "modified", "removed", "added", "type", "target", "mode", "carried"],
];

const STATES = ["denied", "changed", "missing", "added", "refused", "undecided", "unchecked", "trusted"];

/** The members about a refusal. They are missing if there is none, and those that nothing is known of. */
const REFUSAL = {
	event: optional(elsewhere("The event (events.md), or what a message tells of one.")),
	what: optional(text("What was refused.")),
	verdict: optional(
		words("The verdict of the event. Missing if this release does not know it.", ...Object.keys(VERDICTS)),
	),
	rule: optional(text("The rule that decided.")),
	reason: optional(text("The code.")),
	meaning: optional(text("What the code means.")),
	detail: optional(text("What the event says.")),
	mend: optional(text("What to do.")),
};

/** The members about the last refusal of a file, if there are events to look through. */
const LAST_REFUSAL = {
	logs: optional(list("The files of events that were looked through.", text("A path."))),
	since: optional(text("The time of the first event that was looked at.")),
	...REFUSAL,
};

export const EXPLAINING = {
	diff: {
		about: "Compares two catalogs or trees.",
		results: [
			object("The differences.", {
				a: side("The first side."),
				b: side("The second side."),
				verdict: words("The verdict.", "equal", "different", "undecided"),
				match: words("How entries were paired.", "path", "digest"),
				counts: object(
					"The number of differences of each kind.",
					Object.fromEntries(DIFFERENCES.map((kind) => [kind, count(`The number of the kind ${kind}.`)])),
				),
				differences: list(
					"The differences.",
					object("One difference.", {
						kind: words("The kind (reporters.md).", ...DIFFERENCES),
						path: orNull(text("The entry path. Null for facts about a catalog.")),
						message: text("One line that tells what differs."),
						before: orNull(text("The digest, target, mode or fact on the first side.")),
						after: orNull(text("The same on the second side.")),
					}),
				),
				problems: list("The entries that could not be read.", shared("finding")),
			}),
		],
	},
	explain: {
		about: "Explains a code, an event, a refusal or a file. `sigtool why` prints the same document.",
		results: [
			object("A code.", {
				kind: constant("code"),
				code: text("The code."),
				exitStatus: words("The exit status that belongs to it.", 1, 2, 3),
				meaning: text("What it means."),
				why: text("Why it happens."),
				remedy: text("What to do."),
				mend: orNull(text("What to do if it refused a program that runs.")),
				page: text("The place in the documentation."),
			}),
			object("An audit event.", {
				kind: constant("event"),
				event: text("Its name."),
				meaning: text("What it means."),
				fields: list("Its fields.", text("A field.")),
				bypassable: truth("True if native code can do the same without the event."),
				policy: orNull(text("The member of the policy that rules on it.")),
				page: text("The page of the documentation."),
			}),
			object("A refusal: an event, a message, or the last one in lines of them.", {
				kind: constant("refusal"),
				...REFUSAL,
			}),
			object("A file, a directory or a catalog.", {
				kind: constant("file"),
				path,
				fileKind: words("What it is.", "directory", "catalog", "index", "file", "missing"),
				trusted: truth("True if every check passed, and the file was compared."),
				development: truth("True if a development identity signed."),
				catalogs: list(
					"The catalogs that cover it, the nearest first.",
					object("A catalog, as it claims.", {
						file: text("Its path."),
						product: orNull(text("Its product.")),
						sequence: orNull(count("Its sequence.")),
					}),
				),
				entry: orNull(text("The path of the file in the signed tree.")),
				says: orNull({
					description: "What the nearest catalog says of it.",
					anyOf: [
						object("A file.", {
							kind: constant("file"),
							digest: hex("The signed digest. Empty for a zero-length file."),
							mode: orNull(text("The signed mode in octal.")),
						}),
						object("A link.", { kind: constant("link"), target: text("The signed target.") }),
						object("It is left out by an ignore rule, or not covered, or not signed.", {
							kind: words("Why it says nothing.", "hidden", "outside", "nothing"),
						}),
					],
				}),
				checks: list(
					"The checks, in their order.",
					object("One check.", {
						check: words("The check.", "catalog", "signature", "entry", "content"),
						outcome: words("The outcome.", "passed", "failed", "skipped"),
						says: text("What was checked, or why it failed."),
						code: orNull(text("The code, if it failed.")),
					}),
				),
				remedy: orNull(text("What to do, if a check failed.")),
				installed: orNull(elsewhere("What the installed launcher would decide.")),
				write: optional(
					object("Whether the installed launcher lets a program write there, if no signature covers the path.", {
						granted: truth("False if the kernel refuses the write with EACCES. A start with --write may grant more."),
						directories: list("The directories that launch.write of the policy grants.", text("A path.")),
					}),
				),
				...LAST_REFUSAL,
			}),
			object("A trust index.", {
				kind: constant("index"),
				path,
				products: list(
					"The products.",
					object("A product.", {
						name: text("Its name."),
						root: text("Its directory."),
						sequence: orNull(count("Its sequence.")),
					}),
				),
				...LAST_REFUSAL,
			}),
		],
	},
	report: {
		about: "Writes a page about catalogs, trust indexes and events.",
		results: [
			object("The page that was written.", {
				output: text("The path of the page as it was given."),
				sizeBytes: count("Its size."),
				subjects: list("What the page is about, in the order of the arguments.", {
					description: "A catalog, an index or a file of events.",
					anyOf: [
						object("A catalog with its tree, or a signed directory.", {
							path,
							kind: constant("catalog"),
							verdict: words("The verdict, as verify gives it.", "trusted", "signed", "failed", "undecided"),
							problem: orNull(shared("error")),
							files: count("The number of files."),
							states: object(
								"The number of files in each state (report.md).",
								Object.fromEntries(STATES.map((state) => [state, count(`The number of files that are ${state}.`)])),
							),
						}),
						object("A trust index.", {
							path,
							kind: constant("index"),
							verdict: words("The verdict, as verify gives it.", "signed", "failed", "undecided"),
							problem: orNull(shared("error")),
							entries: count("The number of entries."),
							products: list("The products.", text("A name.")),
						}),
						object("A file of events.", {
							path,
							kind: constant("events"),
							events: count("The number of events."),
							verdicts: object("The number of events of each verdict.", {
								refuse: count("The number that were refused."),
								audit: count("The number that enforcement would refuse."),
								record: count("The number that went on and are only recorded."),
								allow: count("The number that were allowed."),
							}),
							brokenLines: count("The number of lines that are no event."),
							leftOut: count("The number of events that the page counts and does not list."),
						}),
					],
				}),
			}),
		],
	},
};
