/**
 * The table of the verdicts of events, from the mildest. Each has one meaning. `pnpm generate` writes the table in C, and
 * `pnpm docs:events` the one in docs/reference/events.md.
 */

export interface VerdictDescription {
	/** The verdict in the words of the commands and of reports. */
	readonly word: string;
	readonly meaning: string;
}

export const VERDICTS = {
	allow: { word: "allowed", meaning: "The action goes on." },
	record: {
		word: "recorded",
		meaning:
			"The action goes on, and mode `enforce` lets it go on too. The policy says that it is only recorded (`audit` in a member of the policy), or the verifier tells of itself: a start in mode `audit` or `off`, or trouble.",
	},
	audit: {
		word: "would be refused",
		meaning: "The action goes on because the mode is `audit`. Mode `enforce` would refuse it.",
	},
	refuse: { word: "refused", meaning: "The action is refused." },
} as const satisfies Record<string, VerdictDescription>;
