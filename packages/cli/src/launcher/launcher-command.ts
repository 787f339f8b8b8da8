/** Words the commands about one launcher, for messages that recommend them. */

import { resolve } from "node:path";
import { COMMAND, shell } from "@sigtool/core/internal/errors";
import { INSTALLED_PREFIX } from "../options/installed-prefix.js";

/** Returns the command for this directory. It names a directory other than the usual one by its absolute path. */
export function launcherCommand(verb: "install" | "share", prefix: string): string {
	const directory = resolve(prefix);
	const named = directory === INSTALLED_PREFIX ? "" : shell` --prefix ${directory}`;
	return shell`${COMMAND} launcher ${verb}` + named;
}
