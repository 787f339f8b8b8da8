import { resolve } from "node:path";
import { createSecureContext } from "node:tls";
import { readBounded } from "@sigtool/core/internal";
import { quote } from "@sigtool/core/internal/errors";
import { type Forwarded, forwardLog } from "../../forward/forward-log.js";
import { openSink } from "../../forward/open-sink.js";
import { openState, type StateFile } from "../../forward/state-file.js";
import { lockState } from "../../forward/state-lock.js";
import type { Facility } from "../../forward/syslog-message.js";
import type { TlsFiles } from "../../forward/tls-files.js";
import { installedLog } from "../../launcher/installed-log.js";
import { usageError } from "../../options/usage.js";
import { untilInterrupted } from "../../output/interruption.js";
import { escaped, type OutputOptions, oneLine, printError, printNote, type Report } from "../../output/output.js";
import { count } from "../../output/render.js";
import { colour } from "../../output/terminal.js";
import { requireLog } from "./require-log.js";

export interface LogForwardOptions extends OutputOptions {
	readonly to: readonly string[];
	readonly state?: string;
	readonly rotated?: readonly string[];
	readonly facility: Facility;
	readonly tlsCa?: string;
	readonly tlsCert?: string;
	readonly tlsKey?: string;
	readonly prefix: string;
}

/**
 * Sends the lines of logs to receivers until SIGTERM or Ctrl-C, each log to each receiver on its own, so that none waits
 * for another. A receiver that fails is tried again without end.
 * @throws ERR_USAGE, also if another process uses the state; ERR_ROOT_MISSING or ERR_IO if a log cannot be read at the
 * beginning, or the state not be written; ERR_CONFIG for a state that is not one
 */
export async function logForward(files: readonly string[], options: LogForwardOptions): Promise<Report> {
	const named = files.length === 0 ? [installedLog(options.prefix)] : files;
	for (const log of named) requireLog(log, "follow");
	const logs = [...new Set(named.map((log) => resolve(log)))];
	const release = options.state === undefined ? undefined : lockState(options.state);
	try {
		return await forward(logs, options);
	} finally {
		release?.();
	}
}

async function forward(logs: readonly string[], options: LogForwardOptions): Promise<Report> {
	const { to, rotated = [], facility } = options;
	const state = openState(options.state);
	const tls = readTlsFiles(options);
	const pairs = logs.flatMap((log) =>
		[...new Set(to)].map((url) => ({
			log,
			sink: openSink(url, { facility, tls, onWarning: printWarning }),
			receiver: url,
		})),
	);
	state.save();
	const results = await untilInterrupted(async (signal) => {
		const ending = new AbortController();
		const stop = AbortSignal.any([signal, ending.signal]);
		const timer = setInterval(() => saveOr(state, ending), SAVE_MS);
		try {
			const running = pairs.map(async ({ log, sink, receiver }) => {
				const forwarded = await forwardLog({ path: log, rotated }, sink, state.positionOf(log, receiver), {
					onDelivered: (position) => state.put(log, receiver, position),
					onFailure: (error) => printWarning(`${error.message} [${error.code}]; trying again`),
					onRecovery: () => printNote(`sends to ${escaped(sink.name)} again`, options),
					signal: stop,
				});
				return { log, to: sink.name, ...forwarded };
			});
			for (const each of running) each.catch((error) => ending.abort(error));
			const settled = await Promise.allSettled(running);
			for (const each of settled) if (each.status === "rejected") throw each.reason;
			if (ending.signal.aborted) throw ending.signal.reason;
			return settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
		} finally {
			clearInterval(timer);
			state.save();
		}
	});
	return report(results);
}

/** The state is written this often while lines are sent. After a crash, lines that were sent since are sent again. */
const SAVE_MS = 1000;

function saveOr(state: StateFile, ending: AbortController): void {
	try {
		state.save();
	} catch (error) {
		ending.abort(error);
	}
}

/** Prints a warning on standard error also with --quiet and --json, because nothing else tells of it. */
function printWarning(text: string): void {
	printError(`${colour.yellow("warning")}: ${oneLine(text)}`);
}

function report(results: readonly ({ readonly log: string; readonly to: string } & Forwarded)[]): Report {
	const lines = results.map(({ log, to, sent, missed }) => {
		const lost = missed === 0 ? "" : `, and at least ${count(missed, "line")} were gone before`;
		return `sent ${count(sent, "line")} of ${escaped(log)} to ${escaped(to)}${lost}`;
	});
	return { exit: 0, fields: { forwarded: results }, lines };
}

/** @throws ERR_USAGE if the files are not what TLS needs; the errors of `readBounded` */
function readTlsFiles({ tlsCa, tlsCert, tlsKey, to }: LogForwardOptions): TlsFiles {
	if ((tlsCert === undefined) !== (tlsKey === undefined)) throw usageError("Give --tls-cert and --tls-key together");
	const isUsed = to.some((url) => /^(syslog\+tls|otlp\+https):/.test(url));
	if (!isUsed && (tlsCa !== undefined || tlsCert !== undefined))
		throw usageError("Use --tls-ca and --tls-cert with a receiver that speaks TLS, such as syslog+tls://HOST:PORT");
	const read = (file: string | undefined) => (file === undefined ? undefined : readBounded(file, MAX_PEM_BYTES));
	const files = { ca: read(tlsCa), cert: read(tlsCert), key: read(tlsKey) };
	// Node.js takes such a file without a word, and then trusts nobody.
	if (files.ca?.includes("CERTIFICATE-----") === false)
		throw usageError(`Cannot use ${quote(tlsCa ?? "")} for --tls-ca: it has no certificate in PEM`);
	try {
		createSecureContext(files);
	} catch (cause) {
		const names = [tlsCa, tlsCert, tlsKey].flatMap((name) => (name === undefined ? [] : quote(name)));
		throw usageError(
			`Cannot speak TLS with ${names.join(", ")}: ${cause instanceof Error ? cause.message : String(cause)}`,
		);
	}
	return files;
}

const MAX_PEM_BYTES = 2 ** 22;
