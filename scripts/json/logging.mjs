/** The documents of commands that read, verify and seal logs. */

import {
	count,
	elsewhere,
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

const counts = {
	events: count("The number of events. A line with `count` is as many."),
	refused: count("How many of them were refused."),
	audited: count("How many of them enforcement would have refused."),
	recorded: count("How many of them went on and are only recorded."),
	unknown: count("How many of them have a verdict that this release does not know."),
	first: optional(text("The time of the first. Missing if no event has a time.")),
	last: optional(text("The time of the last.")),
};

const summary = {
	total: object("All events that were selected.", {
		...counts,
		hosts: count("The number of hosts."),
		dropped: count("The number of events that were lost, as `verifier.dropped` says."),
	}),
	broken: map(
		"The lines that are no events, by log.",
		object("The lines of a log that are no events.", {
			torn: count("Rests of events."),
			foreign: count("Lines of something else."),
			huge: count("Lines of more than 1 MiB, which were not looked at."),
			firstLine: count("The number of the first of them."),
		}),
	),
	unread: list(
		"The logs that could not be read to their end.",
		object("A log.", { file: orNull(text("Its path.")), code: text("The code."), message: text("The message.") }),
	),
};

const event = {
	file: text("The log."),
	line: count("The number of the line, from 1."),
	host: text("The host, as far as the log says it."),
	count: count("The number of events that the line stands for."),
	event: elsewhere(
		"The event, as the line has it; events.md says what an older `audit` becomes. Nothing of it is certain.",
	),
	rule: optional(text("The rule that decided, in words.")),
	meaning: optional(text("What the code means.")),
	mend: optional(text("What to do.")),
};

const group = (by) => object(`A group of \`--by ${by}\`.`, { [by]: text("What the group has in common."), ...counts });

const place = {
	file: text("The log."),
	line: count("The number of the line, from 1."),
	offsetBytes: count("Where the line begins in the file, after decompression."),
};

const root = text("The root hash of the Merkle tree, in base64.");
const checkpoint = {
	origin: text("The name of the log."),
	size: count("The number of lines."),
	root,
};

export const LOGGING = {
	"log show": {
		about:
			"Shows or counts audit events. With `--follow` each event is a document on a line, without `command` and `exit`, and the summary is the last line.",
		results: [
			object("The events.", { events: list("The events.", object("An event.", event)), ...summary }),
			object("The groups of `--by`.", {
				groups: list("The groups, those with the most events first.", {
					anyOf: ["file", "rule", "signer", "host", "event"].map(group),
				}),
				...summary,
				ungrouped: count("The number of events that belong to no group."),
				beyond: count("The number of events of further groups, for which there was no room."),
				unusedRules: optional(
					list(
						"With `--policy`: the rules that no event names.",
						object("A rule.", {
							rule: text("Its name in events."),
							owner: optional(text("Who answers for it.")),
							expires: optional(text("Its last day or second.")),
						}),
					),
				),
			}),
			object("The summary, after events that `--follow` has printed.", {
				...summary,
				ungrouped: optional(count("As above.")),
				beyond: optional(count("As above.")),
			}),
		],
	},
	"log verify": {
		about: "Finds the first change of a log.",
		results: [
			object("The verdict.", {
				files: list("The files of the log.", text("A path.")),
				verdict: words("The verdict.", "intact", "changed", "undecided"),
				problem: optional(object("Why it is not intact.", { code: text("The code."), message: text("The message.") })),
				lines: count("The number of lines."),
				chained: count("How many of them name the lines before."),
				uncovered: count("The lines at the end that nothing covers."),
				covered: count("The lines that a checkpoint covers."),
				misfits: count("The lines that do not fit to those before."),
				gapCount: count("The number of gaps."),
				change: optional(
					object("The first change.", {
						kind: words("What happened.", "edited", "removed", "edited-or-removed", "inserted", "moved", "changed"),
						first: object("The first line that is concerned.", place),
						last: object("The last line that is concerned.", place),
						detail: optional(text("What is known beyond that.")),
					}),
				),
				gaps: list(
					"The first gaps, at most 100.",
					object("A place where nothing covers the lines before.", {
						kind: words("Why.", "unreadable", "uncovered", "new", "rotated", "cut"),
						linesBefore: count("The number of lines before it, in all files."),
						...place,
					}),
				),
				continues: orNull(sha256("The digest that the file ends with which the log continues.")),
				end: orNull(sha256("The digest that the next line would carry. Null if there is no line.")),
				checkpoints: list(
					"The checkpoints, that of the fewest lines first.",
					object("A checkpoint whose signature is trusted.", {
						file: text("Its path."),
						...checkpoint,
						fits: truth("True if the lines are those of the checkpoint."),
						signer: optional(shared("trustedSigner")),
						judgedAt: optional(shared("judgedAt")),
						key: optional(
							object("The key of Ed25519 that signed it.", { name: text("Its name."), keyId: text("Its identifier.") }),
						),
						ignoredSignatures: count("The signatures of keys that are not known here."),
					}),
				),
			}),
		],
	},
	"log seal": {
		about: "Makes a checkpoint of a log.",
		results: [
			object("The checkpoint.", {
				checkpoint: text("The path of the checkpoint."),
				...checkpoint,
				verifierKey: optional(text("The key of Ed25519 that signed it, as witnesses want it.")),
				signer: optional(shared("signer")),
				timestamp: optional(shared("timestamp")),
			}),
			object("What `--unsigned` wrote.", { text: text("The path of the text."), ...checkpoint }),
		],
	},
	"log forward": {
		about: "Sends logs to receivers. The document comes when SIGTERM or Ctrl-C has ended it.",
		results: [
			object("The logs that were sent.", {
				forwarded: list(
					"Each log and each receiver.",
					object("A log and a receiver.", {
						log: text("The path of the log."),
						to: text("The URL of the receiver."),
						sent: count("The lines that were sent. Lines that were sent again after a failure are counted again."),
						missed: count("The least number of lines that could not be sent, because they were gone."),
						failures: count("How often the receiver or the log failed."),
					}),
				),
			}),
		],
	},
	"log tiles": {
		about: "Writes the Merkle tree of a log.",
		results: [
			object("The tiles.", {
				directory: text("The directory."),
				checkpoint: orNull(text("The path of the checkpoint to which they belong.")),
				size: count("The number of lines."),
				root,
				written: count("The number of files that were written."),
				kept: count("The number of files that were there already."),
				missingBundles: list("The bundles that are missing because a line is too long.", text("A path.")),
			}),
		],
	},
};
