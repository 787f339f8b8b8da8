import { closeSync, openSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { COMMAND, ioError, quote } from "@sigtool/core/internal/errors";
import { type OutputOptions, printError } from "../../output/output.js";
import { count } from "../../output/render.js";
import { type Learned, learnFrom } from "../../policy/learn.js";
import { endAs, start } from "./run.js";

export interface AuditCommandOptions extends OutputOptions {
	readonly log: string;
	readonly module?: boolean;
	readonly python?: boolean;
	readonly node?: string;
	readonly spython?: string;
	readonly index?: string;
	readonly catalog?: readonly string[];
}

/**
 * Runs a program in mode audit, appends its events to a file, and says what to do next on standard error, because standard
 * output belongs to the program. Ends as the program ended.
 */
export async function audit(script: string, args: readonly string[], options: AuditCommandOptions): Promise<never> {
	const log = fileOfEvents(options.log);
	const run = { ...options, allowDevelopment: true, mode: "audit", prefix: "" } as const;
	const ending = await start(script, args, run, { log });
	const learned = await learnFrom([log], { index: undefined, owner: undefined, expires: undefined });
	for (const line of summaryOf(learned, options.log)) printError(line);
	return endAs(ending);
}

/** Makes the file, which only this user may read: paths and arguments can be secret. Returns its real path. */
function fileOfEvents(log: string): string {
	try {
		closeSync(openSync(resolve(log), "a", 0o600));
		return realpathSync(log);
	} catch (cause) {
		throw ioError("append events to", log, cause);
	}
}

function summaryOf({ unsigned, notes, events }: Learned, log: string): string[] {
	const policy = "policy.json";
	const groups = unsigned.map(({ directory, way, files }) => {
		const how =
			way === "sign" ? `${COMMAND} sign ${quote(directory)}` : `${COMMAND} compile --adopt ${quote(directory)}`;
		return `  not signed: ${count(files.length, "file")} below ${quote(directory)}: \`${how}\``;
	});
	return [
		`${COMMAND} audit: ${count(events, "event")} in ${quote(log)}; nothing was refused`,
		...(groups.length === 0 ? ["  every file that was loaded is signed"] : groups),
		...notes.map((note) => `  ${note}`),
		`  next: \`${COMMAND} policy learn ${quote(log)} -o ${policy}\`, then compile with --policy ${policy}`,
	];
}
