/** Judges the trust index as the launched runtimes would. */

import { existsSync, realpathSync, statSync } from "node:fs";
import { COMMAND, shell } from "@sigtool/core/internal/errors";
import { examineHost, verifyHost } from "@sigtool/verifier/internal";
import { partsOrUndefined } from "../native/native-parts.js";
import { modeOfSpython } from "../python/spython.js";
import { hostDocument } from "./derived-settings.js";
import { endNotice } from "./end-notice.js";
import { judged, type LauncherFinding, note, refuse, why, wrong } from "./finding.js";
import { launcherCommand } from "./launcher-command.js";
import { type LauncherConf, pin } from "./launcher-conf.js";
import { foreignLinks } from "./launcher-links.js";
import { faultsOfShared, isShared } from "./shared-index.js";

/**
 * Reports if each launched runtime would start with the index. For Node.js this process judges that itself, by the same
 * code as the hook. For CPython it runs the installed spython and asks it.
 */
export function indexFindings(conf: LauncherConf): LauncherFinding[] {
	const { index, config, development, node, spython } = conf;
	if (!existsSync(index)) {
		return [judged("index", () => refuse(`${index} does not exist: make it with \`${COMMAND} compile\``))];
	}
	const says = (mode: string) => `${index}, trusted, mode ${mode}`;
	// Some errors of an index tell its product alone.
	const named = (found: LauncherFinding) => {
		return found.says.includes(index) ? found : { ...found, says: `${index}: ${found.says}` };
	};
	const byNode = () => {
		const verified = () => verifyHost({ index, config, development, addon: partsOrUndefined()?.addon });
		return named(judged("index", () => says(verified().mode)));
	};
	if (spython === undefined) return [byNode()];
	const byPython = named(
		judged("index", () => {
			// A file that is not as installed must not be run.
			if (pin(spython.path).sha256 !== spython.sha256) refuse("not judged, because the spython changed");
			return says(modeOfSpython(spython.path, conf));
		}),
	);
	// Without Node.js nothing is asked of the addon, which is a part of its hook.
	return node === undefined ? [byPython] : [byNode(), { ...byPython, what: "index for python" }];
}

/** Names what ends soon, and the signed files that the deny list names. An index that is refused has none of these. */
export function examinationFindings(
	{ index, config, development }: LauncherConf,
	status: "note" | "wrong",
): LauncherFinding[] {
	try {
		const { ends, denied } = examineHost({ index, config, development });
		return [
			...ends.flatMap((end) => endNotice(end, Date.now()) ?? []).map((says) => note("end", says)),
			...denied.map(({ product, path, reason }): LauncherFinding => {
				const says = `"${path}" of "${product}" is on the deny list of ${config}: ${reason}; put a release without it in place`;
				return { what: "denied", status, says };
			}),
		];
	} catch {
		return []; // Other findings tell why.
	}
}

/** Names a rule of the policy that has no effect under the launcher. */
export function policyFindings({ index, config, development, mode }: LauncherConf): LauncherFinding[] {
	if (mode !== "enforce" && mode !== "strict") return [];
	try {
		const { children } = verifyHost({ index, config, development });
		if (children === "refuse" || children === "exit") return [];
		const says = `the policy says ${children}, but the launcher lets no process start a program; start such programs without the launcher`;
		return [note("children", says)];
	} catch {
		return []; // Other findings tell why.
	}
}

/**
 * Tells that the configuration names another index. The launcher takes that of launcher.conf, and a hook that runs without
 * the launcher takes the other one.
 */
export function otherIndexFindings({ index, config }: LauncherConf, again: string): LauncherFinding[] {
	try {
		const named = hostDocument(config)?.index;
		if (named === undefined || realPlace(named) === realPlace(index)) return [];
		const mend = `change "index" there, or run \`${again} ${shell`--index ${named}`}\` as root`;
		return [note("other index", `${config} names ${named}, but the launcher takes ${index}: ${mend}`)];
	} catch {
		return []; // Other findings tell why.
	}
}

function realPlace(file: string): string {
	return existsSync(file) ? realpathSync(file) : file;
}

/** A start refuses these links, because their owner could switch them. */
export function linkFindings(conf: LauncherConf): LauncherFinding[] {
	const found = judged("link", () => {
		const foreign = foreignLinks(conf).map(({ path, owner }) => `"${path}" belongs to user ${owner}`);
		if (foreign.length === 0) return "";
		return refuse(`${foreign.join(", ")}, and leads to a signed tree or index; make it anew as root`);
	});
	return found.status === "ok" ? [] : [found];
}

/** Each process digests and keeps an index that is not shared. Only a large one is worth a word. */
export function sharedFindings(directory: string, { index }: LauncherConf): LauncherFinding[] {
	const again = `run \`${launcherCommand("share", directory)}\` as root`;
	try {
		const faults = faultsOfShared(directory).map((fault) => wrong("shared index", `${fault}; ${again}`));
		if (faults.length > 0 || !existsSync(index)) return faults;
		if (isShared(directory, index)) return [{ what: "shared index", status: "ok", says: "one copy for all processes" }];
		const mib = Math.round(statSync(index).size / 2 ** 20);
		return mib < 1 ? [] : [note("shared index", `none: each process has ${mib} MiB of its own; ${again}`)];
	} catch (error) {
		return [wrong("shared index", why(error))];
	}
}
