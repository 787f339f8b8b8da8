import { join } from "node:path";
import { type Check, examineSystem } from "@sigtool/core";
import { examineHost } from "@sigtool/verifier";
import { endNotice } from "../../launcher/end-notice.js";
import { readLauncherConf } from "../../launcher/launcher-conf.js";
import { CONF_NAME } from "../../launcher/launcher-place.js";
import { protectionsOf } from "../../launcher/protections.js";
import { nativeParts } from "../../native/native-parts.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";
import { colour } from "../../output/terminal.js";

export interface DoctorOptions extends OutputOptions {
	/** The directory of the launcher. Without one there, nothing is said about what ends. */
	readonly prefix: string;
}

/** Prints one line per check of the system. The exit status is always 0, because the command only reports. */
export async function doctor(path: string, { prefix }: DoctorOptions): Promise<Report> {
	const checks = [...(await examineSystem(path)), ...protectionChecks(), ...endChecks(prefix)];
	const width = Math.max(...checks.map(({ title }) => title.length));
	return {
		exit: 0,
		fields: { path, checks },
		lines: checks.map((check) => line(check, width)),
	};
}

/** Asks the launcher of the installed verifier what it can take from a program on this kernel. */
function protectionChecks(): Check[] {
	const launcher = launcherOrUndefined();
	if (launcher === undefined) return [];
	return protectionsOf(launcher).map(({ name, since, holds, effect }) => ({
		id: `launcher-${name}`,
		title: `launcher: ${name}`,
		status: holds ? "yes" : "no",
		value: `Linux ${since} and later`,
		meaning: effect,
	}));
}

/** Tells how long the installed index, its signer's certificate and the authorities of the host last. */
function endChecks(prefix: string): Check[] {
	const confFile = join(prefix, CONF_NAME);
	try {
		const { index, config, development } = readLauncherConf(confFile);
		return examineHost({ index, config, development }).ends.map((end, number): Check => {
			const notice = endNotice(end, Date.now());
			const value = notice ?? `ends at ${new Date(end.notAfter).toISOString()}`;
			const status = notice === undefined ? "yes" : "partly";
			const meaning = "sigtool starts nothing after this end";
			return { id: `end-${number}`, title: `end: ${end.what}`, status, value, meaning };
		});
	} catch {
		return []; // No launcher is there, or `sigtool launcher check` says why it starts nothing.
	}
}

function launcherOrUndefined(): string | undefined {
	try {
		return nativeParts().launcher;
	} catch {
		return undefined; // Other checks tell what is missing, and the launcher's own messages too.
	}
}

function line({ title, status, value, meaning }: Check, width: number): string {
	return `${COLOURS[status](status.padEnd(7))}  ${title.padEnd(width)}  ${escaped(value)} ${colour.dim(`– ${meaning}`)}`;
}

const COLOURS: Readonly<Record<Check["status"], (text: string) => string>> = {
	yes: colour.green,
	partly: colour.yellow,
	no: colour.red,
	unknown: colour.dim,
};
