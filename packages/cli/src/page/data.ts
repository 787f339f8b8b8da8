/**
 * Defines the data that `sigtool report` writes into a page, as JSON, and that the script of the page reads. All texts
 * are already escaped as on a terminal, so that no name contains a control character or turns the direction of writing.
 */

/** The states of a file, the worst first. Each has a letter in `FilesData.states`. */
export const STATES = [
	{ letter: "d", id: "denied", label: "Denied" },
	{ letter: "m", id: "changed", label: "Changed" },
	{ letter: "x", id: "missing", label: "Missing" },
	{ letter: "a", id: "added", label: "Added" },
	{ letter: "r", id: "refused", label: "Not accepted" },
	{ letter: "n", id: "undecided", label: "Could not decide" },
	{ letter: "u", id: "unchecked", label: "Not compared" },
	{ letter: "o", id: "trusted", label: "As signed" },
] as const;

export type State = (typeof STATES)[number];
export type StateId = State["id"];
export type StateLetter = State["letter"];

/** The rank of each letter: its place in STATES, so that a lower rank is worse. */
export const RANKS: ReadonlyMap<string, number> = new Map(STATES.map(({ letter }, rank) => [letter, rank]));

/** Files with a rank below this one have a finding. */
export const FIRST_SOUND_RANK = STATES.findIndex(({ id }) => id === "unchecked");

/** The files of a catalog or an index, as columns, because objects for 100,000 files would take long to parse. */
export interface FilesData {
	/** Directories, each with the row of its parent and its name. Row 0 is the root. A parent comes before its children. */
	readonly directories: readonly (readonly [parent: number, name: string])[];
	/** The directory of each file, as a row of `directories`. */
	readonly parents: readonly number[];
	readonly names: readonly string[];
	/** The letter of each file's state. */
	readonly states: string;
	/** The size of each file in bytes, or -1 if it is not known. */
	readonly sizes: readonly number[];
	/** The signed digest of each file in Base64, or an empty text if it has none. */
	readonly digests: readonly string[];
	/** The findings about each file that has some, by its row. */
	readonly findings: Readonly<Record<string, readonly FindingData[]>>;
}

export interface FindingData {
	readonly code: string;
	readonly message: string;
	readonly expected?: string;
	readonly actual?: string;
}

/** The verdicts of events, the gravest first. docs/reference/events.md says what each means. */
export const VERDICTS = [
	{ id: "refuse", label: "Refused" },
	{ id: "audit", label: "Would be refused" },
	{ id: "record", label: "Recorded" },
	{ id: "allow", label: "Allowed" },
] as const;

export type VerdictId = (typeof VERDICTS)[number]["id"];

/** The events of a log: those of each verdict together, in the order of VERDICTS; each group by time. */
export interface EventsData {
	/** Each text is here once. The rows refer to it by its place. Place 0 is the empty text. */
	readonly texts: readonly string[];
	readonly rows: readonly EventRow[];
	/** The fields of events that were not allowed, as pairs of places in `texts`, by row. */
	readonly fields: Readonly<Record<string, readonly (readonly [name: number, value: number])[]>>;
}

/** Everything but the time and the place of the verdict in VERDICTS is a place in `texts`. */
export type EventRow = readonly [
	/** Milliseconds since the epoch, or -1 if the event has no readable time. */
	timeMs: number,
	verdict: number,
	event: number,
	subject: number,
	rule: number,
	reason: number,
];
