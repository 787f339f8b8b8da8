import type { SigtoolError } from "@sigtool/core/internal/errors";
import type { ExitStatus } from "../../output/output.js";
import type { Html } from "./html.js";
import type { Tone } from "./icons.js";

/** A section of the page, and what the command says about it. */
export interface Subject {
	/** The name in the list of contents. */
	readonly name: string;
	readonly tone: Tone;
	/** The verdict in a few words. */
	readonly verdict: string;
	readonly body: Html;
	readonly path: string;
	readonly kind: "catalog" | "index" | "events";
	/** The directory whose files were compared, if any were. */
	readonly root?: string | undefined;
	readonly exit: ExitStatus;
	readonly warnings: readonly string[];
	readonly notes: readonly string[];
	/** Numbers for the JSON document. */
	readonly fields: Readonly<Record<string, unknown>>;
}

/** The verdict in the JSON document about a subject that does not verify. */
export function untrustedVerdict({ exitStatus }: SigtoolError): "failed" | "undecided" {
	return exitStatus === 3 ? "undecided" : "failed";
}
