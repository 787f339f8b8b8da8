import { existsSync } from "node:fs";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import { countOf, isFinding, type Told, verdictOf } from "../../events/event.js";
import { explain } from "../../events/explain.js";
import { followLog } from "../../events/follow.js";
import { unknownEvents } from "../../events/known-names.js";
import { type BrokenKind, createLineReader, type ReadLine, readLog } from "../../events/read-events.js";
import { type Selection, type SelectionOptions, selectionOf } from "../../events/select.js";
import { createTally, type Grouping } from "../../events/tally.js";
import { installedLog } from "../../launcher/installed-log.js";
import { usageError } from "../../options/usage.js";
import { untilInterrupted } from "../../output/interruption.js";
import { needsLoading } from "../../output/outcome.js";
import { type OutputOptions, printNote, type Report } from "../../output/output.js";
import { createItemPrinter, type ItemPrinter } from "../../output/stream.js";
import { rulesToCompare, type UnusedAmong } from "../../policy/unused-rules.js";
import {
	type Broken,
	brokenWarning,
	createExplainer,
	eventLine,
	groupLines,
	summaryLine,
	unusedLines,
} from "./event-lines.js";
import { beyondText, createLogFindings, type LogFindings } from "./log-findings.js";
import { requireLog } from "./require-log.js";

export interface LogShowOptions extends SelectionOptions, OutputOptions {
	readonly follow?: boolean;
	readonly by?: Grouping;
	/** The policy whose rules are compared with those that the events name. */
	readonly policy?: readonly string[];
	readonly prefix: string;
}

/**
 * Shows the events of logs, or counts them. Logs are read one after the other, in bounded memory. A line that is no
 * event, and a log that cannot be read to its end, are reported and end nothing.
 * @throws ERR_USAGE; ERR_ROOT_MISSING or ERR_IO if a log cannot be opened
 */
export async function logShow(files: readonly string[], options: LogShowOptions): Promise<Report> {
	const selects = selectionOf(options);
	const logs = files.length === 0 ? [installedLog(options.prefix)] : files;
	const { follow = false, by, policy = [] } = options;
	for (const log of logs) requireLog(log, follow ? "wait" : "read");
	const findings = needsLoading(options) ? createLogFindings() : undefined;
	if (findings !== undefined && (by !== undefined || follow))
		throw usageError(`Use --reporter without --by and --follow: ${options.reporter} reports refusals`);
	if (policy.length > 0 && (by !== "rule" || follow))
		throw usageError("Give --policy with --by rule, and without --follow: it lists the rules that no event names");
	if (policy.length > 0 && (options.refused === true || (options.event ?? []).length > 0))
		throw usageError("Give --policy without --refused and --event: an event that is left out may name a rule");
	const unusedAmong = policy.length === 0 ? undefined : rulesToCompare(policy);
	const printer = createItemPrinter({
		...options,
		...{ command: "log show", list: by === undefined ? "events" : "groups", form: follow ? "lines" : "list" },
	});
	const show = createShow(selects, printer, { ...options, logs, findings, unusedAmong });
	if (follow) {
		// Ctrl-C is the way to end it, so what follows is a success.
		await untilInterrupted((signal) => {
			for (const log of logs.filter((each) => !existsSync(each)))
				printNote(`waits for ${quote(log)}: no such file yet`, options);
			return Promise.all(logs.map((log) => followEach(log, signal, show)));
		});
	} else {
		for (const log of logs) await show.readWhole(log);
	}
	return show.report();
}

async function followEach(log: string, signal: AbortSignal, show: Show): Promise<void> {
	let reader = createLineReader(log);
	for await (const followed of followLog(log, signal)) {
		if (followed === "idle") show.flush();
		else if (followed !== "again") show.take(log, reader.push(followed));
		else {
			show.take(log, reader.end());
			reader = createLineReader(log);
		}
		if (show.isClosed) return;
	}
}

interface Show {
	take(log: string, lines: Iterable<ReadLine>): void;
	/** Reads a log to its end, or as far as it can be read. */
	readWhole(log: string): Promise<void>;
	flush(): void;
	readonly isClosed: boolean;
	report(): Report;
}

interface ShowOptions extends LogShowOptions {
	readonly logs: readonly string[];
	/** Present with a reporter, which prints everything at the end. */
	readonly findings: LogFindings | undefined;
	readonly unusedAmong: UnusedAmong | undefined;
}

function createShow(selects: Selection, printer: ItemPrinter, options: ShowOptions): Show {
	const { by, event: names = [], verbose = false, quiet = false, logs, findings, unusedAmong } = options;
	const tally = createTally(by);
	const explanationOf = createExplainer(verbose);
	const broken = new Map<string, Record<BrokenKind, number> & { firstLine: number }>();
	const failures: SigtoolError[] = [];

	function take(log: string, read: ReadLine): void {
		if (read.kind !== "event") {
			const counts = broken.get(log) ?? { torn: 0, foreign: 0, huge: 0, firstLine: read.line };
			counts[read.kind]++;
			broken.set(log, counts);
			return;
		}
		const { event, host, line } = read;
		if (!selects(event)) return;
		tally.add(event, host);
		findings?.add(log, event, host);
		if (by !== undefined || findings !== undefined) return;
		printer.item({ file: log, line, host, count: countOf(event), event, ...explanationFields(event) });
		if (quiet && !isFinding(event)) return;
		printer.line(eventLine(event, host));
		if (!quiet) for (const text of explanationOf(event)) printer.line(text);
	}

	function takeAll(log: string, lines: Iterable<ReadLine>): void {
		for (const line of lines) take(log, line);
	}

	function report(): Report {
		if (by !== undefined) for (const { name, ...counts } of tally.groups()) printer.item({ [by]: name, ...counts });
		if (by !== undefined) for (const line of groupLines(tally, by, verbose ? "all" : "first")) printer.line(line);
		const unusedRules = unusedAmong?.(new Set(tally.groups().map(({ name }) => name)));
		for (const line of unusedLines(unusedRules, tally.total)) printer.line(line);
		printer.flush();
		const { events, ...counts } = tally.total;
		return {
			exit: failures.length > 0 ? 3 : 0,
			fields: {
				total: { events, ...counts, hosts: tally.hosts, dropped: tally.dropped },
				...(by === undefined ? {} : { ungrouped: tally.ungrouped, beyond: tally.beyond }),
				...(unusedRules && { unusedRules: unusedRules.map(({ text: _, ...rule }) => rule) }),
				broken: Object.fromEntries<Broken>(broken),
				unread: failures.map(({ path, code, message }) => ({ file: path ?? null, code, message })),
			},
			// A log that could not be read may have events.
			lines: failures.length > 0 && events === 0 ? [] : [summaryLine(tally)],
			notes: events === 0 ? unknownEvents(names) : [],
			warnings: [
				...Array.from(broken, ([log, counts]) => brokenWarning(log, counts)),
				...(findings !== undefined && findings.beyond > 0 ? [beyondText(findings.beyond)] : []),
			],
			...(findings && { subjects: findings.subjects(logs, failures) }),
			problems: failures.map(({ code, message }) => `error: ${message} [${code}]`),
			...(printer.begun && { begun: printer.begun }),
		};
	}

	return {
		take: takeAll,
		async readWhole(log) {
			try {
				for await (const lines of readLog(log)) {
					takeAll(log, lines);
					if (printer.isClosed) return;
				}
			} catch (error) {
				if (!(error instanceof SigtoolError)) throw error;
				failures.push(error);
			}
		},
		flush: () => printer.flush(),
		get isClosed() {
			return printer.isClosed;
		},
		report,
	};
}

/** Returns the words of `why` about a refusal. */
function explanationFields(event: Told): Record<string, unknown> {
	if (verdictOf(event) === "allow") return {};
	const { rule, meaning, mend } = explain(event).fields;
	return { rule, meaning, mend };
}
