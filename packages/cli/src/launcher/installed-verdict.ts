/** Asks the index and the configuration of the installed launcher about a file. */

import { join } from "node:path";
import { type ErrorCode, errnoReason, SigtoolError } from "@sigtool/core/internal/errors";
import { verifyHost } from "@sigtool/verifier/internal";
import { partsOrUndefined } from "../native/native-parts.js";
import { type LauncherConf, readLauncherConf } from "./launcher-conf.js";
import { CONF_NAME, isThere } from "./launcher-place.js";

/** Returns the settings of the launcher in a directory, or undefined if none is installed there. */
export function installedConf(prefix: string): LauncherConf | undefined {
	const file = join(prefix, CONF_NAME);
	return isThere(file) ? readLauncherConf(file) : undefined;
}

export interface InstalledVerdict {
	readonly fields: Readonly<Record<string, unknown>>;
	readonly says: string;
	/** Tells whether the launcher would load the file. With `unknown`, nothing can be judged. */
	readonly loads: "yes" | "no" | "unknown";
}

/**
 * Judges the file as the installed launcher would now. Raises no event. `mendOf` returns what to do about an error
 * because of which nothing can be judged.
 */
export function installedVerdict(
	path: string,
	{ index, config, development }: LauncherConf,
	mendOf: (code: ErrorCode) => string | undefined,
): InstalledVerdict {
	try {
		const { mode, examine } = verifyHost({ index, config, development, addon: partsOrUndefined()?.addon });
		if (mode === "off")
			return { loads: "yes", fields: { mode }, says: "would be loaded: in mode off nothing is judged" };
		const verdict = examine(path);
		if (verdict.trusted) {
			return {
				loads: "yes",
				fields: { ...verdict },
				says: `would be loaded: it is ${verdict.entry} of ${verdict.product}, as signed`,
			};
		}
		if (mode === "audit") {
			const says = `would be loaded, with an event: ${verdict.why} (${verdict.reason}); ${verdict.mend}`;
			return { loads: "yes", fields: { ...verdict }, says };
		}
		const says = `would be refused: ${verdict.why} (${verdict.reason}); ${verdict.mend}`;
		return { loads: "no", fields: { ...verdict }, says };
	} catch (error) {
		const { code = undefined, message } = error instanceof SigtoolError ? error : { message: errnoReason(error) };
		const mend = code && mendOf(code);
		return {
			loads: "unknown",
			fields: { trusted: false, reason: code, why: message, mend },
			says: `cannot be judged: ${message}${mend === undefined ? "" : `; ${mend}`}`,
		};
	}
}
