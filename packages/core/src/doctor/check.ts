/** The result of examining one feature of the system. */
export interface Check {
	/** A stable identifier for programs. */
	readonly id: string;
	readonly title: string;
	readonly status: "yes" | "no" | "partly" | "unknown";
	/** A text about the finding. It may contain untrusted text of the system, such as a path. */
	readonly value: string;
	/** A text about what sigtool uses the feature for. */
	readonly meaning: string;
}

export type Finding = Pick<Check, "status" | "value">;

/** The finding on a system that does not have the feature, or has no way to examine it. */
export const NOT_HERE: Finding = { status: "unknown", value: "not on this system" };
