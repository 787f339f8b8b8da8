/** Sends lines by OTLP over HTTP (JSON), by OpenTelemetry's own exporter. */

import { hostname } from "node:os";
import type { ReadableLogRecord } from "@opentelemetry/sdk-logs";
import { loadOtlpPackages } from "./otlp-packages.js";
import { otlpRecord } from "./otlp-record.js";
import { receiverError, type Sink } from "./sink.js";
import type { TlsFiles } from "./tls-files.js";

export interface OtlpOptions {
	readonly name: string;
	/** The URL of HTTP, with the path. */
	readonly url: string;
	readonly tls: TlsFiles;
	/** Gets what the exporter says of records that a receiver rejects although it answers with success. */
	readonly onWarning: (text: string) => void;
}

/** @throws ERR_UNSUPPORTED_PLATFORM if the exporter is not installed */
export function otlpSink({ name, url, tls, onWarning }: OtlpOptions): Sink {
	const { api, exporter, logs, resources } = loadOtlpPackages();
	const exporting = new exporter.OTLPLogExporter({
		url,
		// Otherwise NODE_TLS_REJECT_UNAUTHORIZED could switch the check off.
		httpAgentOptions: { keepAlive: true, rejectUnauthorized: true, minVersion: "TLSv1.2", ...tls },
	});
	const silent = () => {};
	// The exporter tells of a partial success only in this way, and not of which receiver.
	api.diag.setLogger(
		{
			error: silent,
			warn: (...said) => onWarning(said.join(" ").slice(0, MOST_SAID)),
			info: silent,
			debug: silent,
			verbose: silent,
		},
		{ logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true },
	);
	let records: ReadableLogRecord[] = [];
	const done = async () => {};
	const provider = new logs.LoggerProvider({
		resource: resources.resourceFromAttributes({ "service.name": "sigtool", "host.name": hostname() }),
		processors: [{ onEmit: (record) => void records.push(record), forceFlush: done, shutdown: done }],
	});
	const logger = provider.getLogger("sigtool");

	return {
		name,
		// The receiver answers each request.
		settleMs: 0,
		async send(lines, signal) {
			records = [];
			for (const line of lines) logger.emit(otlpRecord(line, Date.now()));
			const batch = records;
			await new Promise<void>((resolve, reject) => {
				const aborted = () => reject(receiverError(name, new Error("interrupted")));
				signal.addEventListener("abort", aborted, { once: true });
				exporting.export(batch, ({ code, error }) => {
					signal.removeEventListener("abort", aborted);
					if (code === SUCCESS) resolve();
					else reject(receiverError(name, withStatus(error)));
				});
			});
		},
		connection: "stands",
		close: async () => true,
		abandon() {},
	};
}

/** The text of a receiver is written for each request, so a long one would fill the log of this host. */
const MOST_SAID = 500;

/** ExportResultCode.SUCCESS. Its enumeration is in a package that nothing else needs. */
const SUCCESS = 0;

/** Adds the status of HTTP, which the exporter's error has as a number. */
function withStatus(error: Error | undefined): Error {
	if (error === undefined) return new Error("the exporter failed");
	if (!("code" in error) || typeof error.code !== "number") return error;
	return new Error(`the receiver answers ${error.code} ${error.message}`, { cause: error });
}
