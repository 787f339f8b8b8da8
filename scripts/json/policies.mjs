/** The documents of commands about policies. */

import { signedPolicy } from "./members.mjs";
import { count, elsewhere, list, object, optional, orNull, sha256, shared, text, truth, words } from "./shapes.mjs";

const mode = words("The mode.", "off", "audit", "enforce", "strict");
const rule = text("The name of the rule in events.");

/** Events that a policy refuses. */
const judged = object("One subject and reason.", {
	subject: text("The file, or what the event is about."),
	event: text("The name of the event."),
	why: text("Why."),
	events: count("How often."),
	first: optional(text("The time of the first.")),
});

export const POLICIES = {
	"policy init": {
		about: "Writes a policy to begin with.",
		results: [object("The policy.", { policy: text("The path of the file."), mode })],
	},
	"policy sign": {
		about: "Signs a policy.",
		results: [
			object("The signed policy.", {
				policy: text("The path of the file."),
				sequence: count("The sequence."),
				mode,
				products: list("The products for which it counts; every product if there are none.", text("A product.")),
				development: truth("True if a development identity signed it."),
				signer: shared("signer"),
				timestamp: optional(shared("timestamp")),
			}),
		],
	},
	"policy check": {
		about: "Checks a policy, with supplemental ones.",
		results: [
			object("The policy.", {
				policies: list("The files.", text("A path.")),
				mode,
				rules: list(
					"The rules.",
					object("A rule.", {
						name: rule,
						allow: optional(elsewhere("What it allows (policy.md).")),
						deny: optional(elsewhere("What it denies (policy.md).")),
						supplemental: truth("True if a supplemental policy has it."),
						expired: truth("True if it has expired."),
						expires: optional(text("Its last day or second.")),
						owner: optional(text("Who answers for it.")),
						comment: optional(text("The reason for it.")),
						message: optional(text("The message for whoever meets it.")),
						url: optional(text("The page about it.")),
					}),
				),
				signedPolicy: signedPolicy(),
				findings: list(
					"What somebody should look at.",
					object("A finding.", { rule, finding: text("What was found.") }),
				),
			}),
		],
	},
	"policy explain": {
		about: "Says which rule decides about a file or an event.",
		results: [
			object("A signed file.", {
				subject: text("The file, or what the event is about."),
				product: optional(text("Its product.")),
				entry: text("Its path in the product."),
				sha256: sha256("Its digest."),
				allowed: truth("True if it may be loaded."),
				rule: optional(text("The rule that decides, or `rules` if no allow rule matches.")),
				others: list("The other rules that match.", rule),
				explain: list("The explanation.", text("A line.")),
			}),
			object("What no rule decides.", {
				subject: text("The file, or what the event is about."),
				allowed: truth("True if it may go on."),
				reason: optional(text("The code of the refusal.")),
				explain: list("The explanation.", text("A line.")),
			}),
		],
	},
	"policy diff": {
		about: "Compares two policies.",
		results: [
			object("The differences.", {
				before: text("The first file."),
				after: text("The second file."),
				members: list(
					"The members that differ.",
					object("A member.", {
						member: text("Its name, with dots."),
						before: optional({ description: "Its value in the first policy." }),
						after: optional({ description: "Its value in the second policy." }),
					}),
				),
				rules: object("The rules that only one policy has.", {
					removed: list("Those of the first.", text("A rule.")),
					added: list("Those of the second.", text("A rule.")),
				}),
				files: optional(
					list(
						"The signed files about which the policies decide differently.",
						object("A file.", {
							product: text("Its product."),
							path: text("Its path in the product."),
							allowed: truth("True if the second policy allows it."),
							why: text("Why one of them refuses it."),
						}),
					),
				),
			}),
		],
	},
	"policy test": {
		about: "Judges logged events by a policy.",
		results: [
			object("The result.", {
				logs: list("The files of events.", text("A path.")),
				events: count("How many events were judged."),
				otherLines: count("How many lines were no events."),
				refusedEvents: count("How many would be refused."),
				refused: list("What would be refused, the most frequent first.", judged),
				failing: list("What would give the program an error, and would not end it, the most frequent first.", judged),
			}),
		],
	},
	"policy learn": {
		about: "Makes a policy under which a logged run passes.",
		results: [
			object("The policy.", {
				policy: elsewhere("The policy (policy.md)."),
				output: optional(text("The path of the file that was written.")),
				events: count("How many events there were."),
				otherLines: count("How many lines were no events."),
				first: optional(text("The time of the first event.")),
				last: optional(text("The time of the last event.")),
				unsigned: list(
					"The files that have to be signed, by directories.",
					object("A directory.", {
						directory: text("Its path."),
						way: words("How to sign it.", "sign", "adopt"),
						product: text("The name of the product that it is, or becomes."),
						files: list(
							"Its files.",
							object("A file.", { path: text("Its path."), sha256: optional(orNull(text("Its digest."))) }),
						),
					}),
				),
				commands: list("What to type next, in this order, in a POSIX shell.", text("A command line.")),
			}),
		],
	},
	audit: {
		about: "Runs a program in mode audit. Only an error before its start makes a document.",
		results: [],
		exits: [1, 2, 3, 75, 126],
	},
};
