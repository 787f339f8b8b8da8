import { type Check, examineSystem } from "@sigtool/core";
import { protectionsOf } from "../../launcher/protections.js";
import { nativeParts } from "../../native/native-parts.js";
import { escaped, type OutputOptions, type Report } from "../../output/output.js";
import { colour } from "../../output/terminal.js";

/** Prints one line per check of the system. The exit status is always 0, because the command only reports. */
export async function doctor(path: string, _options: OutputOptions): Promise<Report> {
	const checks = [...(await examineSystem(path)), ...protectionChecks()];
	const width = Math.max(...checks.map(({ title }) => title.length));
	return {
		exit: 0,
		fields: { path, checks },
		lines: checks.map((check) => line(check, width)),
	};
}

/** Asks the launcher of the installed verifier what it can take from a program on this kernel. */
function protectionChecks(): Check[] {
	return protectionsOf(launcherOrUndefined() ?? "").map(({ name, since, holds, effect }) => ({
		id: `launcher-${name}`,
		title: `launcher: ${name}`,
		status: holds ? "yes" : "no",
		value: `Linux ${since} and later`,
		meaning: effect,
	}));
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
