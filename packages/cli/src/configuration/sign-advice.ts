/** Words the command that signs a directory, for messages that recommend it. */

import { relative, resolve } from "node:path";
import { COMMAND, SigtoolError, shell } from "@sigtool/core/internal/errors";
import { pathWithin } from "../output/locations.js";
import { projectConfiguration } from "./configuration.js";

/**
 * Returns the command without operands where the project's configuration signs the directory. With operands the command
 * would not obey the configuration, and might sign with another key or as another product.
 */
export async function signCommandFor(directory: string): Promise<string> {
	const named = shell`${COMMAND} sign ${relative("", directory) || "."}`;
	try {
		const configuration = await projectConfiguration();
		if (configuration === undefined) return named;
		const { signedPaths } = await import("./settings.js");
		const isSigned = (await signedPaths(configuration)).some(
			(path) => pathWithin(resolve(path), resolve(directory)) !== undefined,
		);
		return isSigned ? `${COMMAND} sign` : named;
	} catch (error) {
		if (error instanceof SigtoolError) return named; // `sign` itself tells what is wrong with the configuration.
		throw error;
	}
}
