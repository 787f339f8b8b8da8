import { closeSync, createReadStream, openSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { COMMAND, ioError, quote, shell } from "@sigtool/core/internal/errors";
import { countOf, verdictOf } from "../../events/event.js";
import { createLineReader, type ReadLine } from "../../events/read-events.js";
import { escaped, type OutputOptions, printError } from "../../output/output.js";
import { count } from "../../output/render.js";
import { createLearner, type Learned } from "../../policy/learn.js";
import { signCommand, strayFiles } from "../../policy/next-steps.js";
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
	const before = statSync(log).size;
	const run = { ...options, allowDevelopment: true, mode: "audit", prefix: "" } as const;
	const ending = await start(script, args, run, { log });
	const { learned, refusable } = await learnFromEnd(log, before);
	for (const line of summaryOf(learned, refusable, options)) printError(line);
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

interface LearnedFromRun {
	readonly learned: Learned;
	/** The number of events that enforcement would have refused. */
	readonly refusable: number;
}

/** Learns from what this run has added to the file. Reads all of it if somebody exchanged or emptied it meanwhile. */
async function learnFromEnd(log: string, before: number): Promise<LearnedFromRun> {
	const size = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
	const learner = createLearner({ index: undefined, owner: undefined, expires: undefined, directory: process.cwd() });
	const reader = createLineReader(log);
	let otherLines = 0;
	let refusable = 0;
	const take = (lines: Iterable<ReadLine>) => {
		for (const read of lines) {
			if (read.kind !== "event") {
				otherLines++;
				continue;
			}
			learner.observe(read.event);
			if (verdictOf(read.event) === "audit") refusable += countOf(read.event);
		}
	};
	if (size > 0) {
		for await (const piece of createReadStream(log, { start: size < before ? 0 : before })) take(reader.push(piece));
	}
	take(reader.end());
	return { learned: learner.learned(otherLines), refusable };
}

function summaryOf(
	{ unsigned, trees, notes, events, starts, refusals, writesRelatively }: Learned,
	refusable: number,
	{ log, index }: AuditCommandOptions,
): string[] {
	if (starts === 0) return [`${COMMAND} audit: this run wrote no event of a program to ${quote(log)}: ${NO_EVENT}`];
	if (refusals > 0) return [`${COMMAND} audit: ${count(refusals, "event")} in ${quote(log)} ${NO_START}`];
	const groups = unsigned.map((group) => {
		const { directory, way, files } = group;
		const how = way === "sign" ? `\`${signCommand(group)}\`` : "the index adopts it";
		return `  not signed: ${count(files.length, "file")} below ${quote(directory)}: ${how}`;
	});
	const stray = strayFiles([log], trees).map((text) => `  ${text}`);
	const options = [
		...(index === undefined ? [] : [shell`--index ${index}`]),
		...(writesRelatively ? [shell`--cwd ${process.cwd()}`] : []),
		"-o policy.json",
	];
	return [
		`${COMMAND} audit: ${count(events, "event")} in ${quote(log)}; nothing was refused`,
		...(groups.length === 0 ? ["  every file that was loaded is signed"] : groups),
		...(index === undefined || refusable === 0 ? [] : [wouldRefuse(refusable, log, index)]),
		...[...notes.map((note) => `  ${escaped(note)}`), ...stray],
		`  next: \`${shell`${COMMAND} policy learn ${log}`} ${options.join(" ")}\`, then the commands that it prints`,
	];
}

/** Without --index there is no policy of a person that could refuse anything. */
function wouldRefuse(refusable: number, log: string, index: string): string {
	const command = shell`${COMMAND} policy test ${log} --index ${index}`;
	return `  enforcement would have refused ${count(refusable, "event")} by ${quote(index)}: \`${command}\``;
}

const NO_START = `say that the program could not start; \`${COMMAND} log --refused\` says why`;

/** A program that is started under a verifier has at least the event of its start. */
const NO_EVENT =
	"the program was not started under a verifier, or ended before that, so nothing is known about what it loads; see its messages above";
