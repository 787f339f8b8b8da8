/** Says which member of a configuration an error is about. An option that the user typed needs no such word. */

import { SigtoolError } from "@sigtool/core/internal/errors";
import type { ProjectConfiguration } from "./configuration.js";

/** Returns the result of `act`. An error about a value of the configuration gets the member, with its line and column. */
export async function namingMembers<T>(
	configuration: ProjectConfiguration | undefined,
	act: () => Promise<T>,
): Promise<T> {
	try {
		return await act();
	} catch (error) {
		if (configuration === undefined || !(error instanceof SigtoolError)) throw error;
		// This is loaded only here, because it needs the parser of configurations.
		const { withMember } = await import("./member-of-error.js");
		throw withMember(configuration, error);
	}
}
