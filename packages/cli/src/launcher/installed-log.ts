/** Finds the log of this host. */

import { join, resolve } from "node:path";
import { COMMAND, quote } from "@sigtool/core/internal/errors";
import { usageError } from "../options/usage.js";
import { readLauncherConf } from "./launcher-conf.js";
import { CONF_NAME, isThere } from "./launcher-place.js";

/**
 * Returns the file of events of the launcher that is installed in `prefix`.
 * @throws ERR_USAGE if no launcher is there, or if it has no such file; ERR_CONFIG; ERR_IO
 */
export function installedLog(prefix: string): string {
	const conf = join(resolve(prefix), CONF_NAME);
	if (!isThere(conf))
		throw usageError(
			`Name a log, e.g. \`${COMMAND} log audit.jsonl\`: no launcher is installed in ${quote(prefix)}; --prefix names its directory`,
		);
	const { audit } = readLauncherConf(conf);
	if (audit === undefined)
		throw usageError(
			"Name a log: the installed launcher writes no file of events; set audit.jsonLines in the host configuration",
		);
	return audit;
}
