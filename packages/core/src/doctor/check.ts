/** One thing that is there, or is not, and what it is to sigtool. */
export interface Check {
	/** Stable, for programs. */
	readonly id: string;
	readonly title: string;
	readonly status: "yes" | "no" | "partly" | "unknown";
	/** What was found. May hold text of the system, which is untrusted. */
	readonly value: string;
	readonly meaning: string;
}

export type Finding = Pick<Check, "status" | "value">;

/** What a system without the thing, or without a way to look, is told. */
export const NOT_HERE: Finding = { status: "unknown", value: "not on this system" };
