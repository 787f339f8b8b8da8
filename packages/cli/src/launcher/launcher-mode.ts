/** Tells whether the two files of root that choose the mode leave the host open, or only half closed. */

import type { Mode } from "@sigtool/core";
import { parseTrustIndex } from "@sigtool/core/internal";
import { verifyHost } from "@sigtool/verifier/internal";
import { fromIndexFile } from "../output/index-file.js";
import { hostDocument } from "./derived-settings.js";
import type { LauncherConf } from "./launcher-conf.js";

/** The modes, from the weakest to the strictest. */
const MODES: readonly Mode[] = ["off", "audit", "enforce", "strict"];
const MEND = 'see docs/how-to/emergency.md, "Closing"';

export interface JudgedMode {
	readonly status: "ok" | "wrong" | "note";
	readonly says: string;
}

/**
 * A process runs in the stricter of both modes, with the restrictions of the launcher's. So modes that differ are wrong
 * if one of them enforces and the other does not: an emergency has been closed by one file alone.
 */
export function judgeMode(conf: LauncherConf, confFile: string): JudgedMode {
	const launcher = { mode: conf.mode, file: confFile };
	const verifier = modeOfVerifier(conf) ?? launcher;
	const both = `${launcher.file} has mode ${launcher.mode}, ${verifier.file} has mode ${verifier.mode}`;
	const [weaker] = [launcher, verifier].sort((a, b) => MODES.indexOf(a.mode) - MODES.indexOf(b.mode));
	const says = verifier === launcher ? `${launcher.file} has mode ${launcher.mode}` : both;
	if (weaker?.mode === "off") return { status: "wrong", says: `${says}: off verifies nothing; ${MEND}` };
	if (isEnforcing(launcher.mode) !== isEnforcing(verifier.mode)) {
		const effect =
			weaker === launcher ? "programs start without the launcher's restrictions" : "only the launcher's mode enforces";
		return { status: "wrong", says: `${says}: ${effect}; ${MEND}` };
	}
	if (!isEnforcing(launcher.mode)) return { status: "note", says: `${says}: code that nobody signed runs` };
	if (weaker === launcher && verifier.mode !== launcher.mode) {
		const effect = "programs start without the launcher's restrictions of strict";
		return { status: "note", says: `${says}: ${effect}, unless they are started with --mode strict` };
	}
	const asked = conf.mode === "strict" ? undefined : modeOfPolicy(conf);
	if (asked !== undefined && MODES.indexOf(asked) > MODES.indexOf(weaker?.mode ?? "strict"))
		return {
			status: "note",
			says: `${says}: the policy of ${conf.index} says ${asked}, and these files weaken it`,
		};
	return { status: "ok", says };
}

function isEnforcing(mode: Mode): boolean {
	return MODES.indexOf(mode) >= MODES.indexOf("enforce");
}

/** Returns undefined if the index cannot be used, which other findings tell. */
function modeOfPolicy({ index }: LauncherConf): Mode | undefined {
	try {
		return fromIndexFile(index, parseTrustIndex).policy.mode;
	} catch {
		return undefined;
	}
}

/** Returns undefined if configuration or index cannot be used, which other findings tell. */
function modeOfVerifier(conf: LauncherConf): { readonly mode: Mode; readonly file: string } | undefined {
	try {
		const mode = hostDocument(conf.config)?.mode;
		if (mode !== undefined) return { mode, file: conf.config };
		const { index, config, development } = conf;
		return { mode: verifyHost({ index, config, development }).mode, file: `the policy of ${index}` };
	} catch {
		return undefined;
	}
}
