/** Makes the sink of a receiver. */

import { journalSink } from "./journal-sink.js";
import { otlpSink } from "./otlp-sink.js";
import { parseReceiver, shownReceiver } from "./receiver-url.js";
import type { Sink } from "./sink.js";
import { syslogDatagramSink } from "./syslog-datagram-sink.js";
import type { Facility } from "./syslog-message.js";
import { syslogStreamSink } from "./syslog-stream-sink.js";
import type { TlsFiles } from "./tls-files.js";

export interface SinkOptions {
	readonly facility: Facility;
	readonly tls: TlsFiles;
	/** Gets what a receiver says that is no failure. */
	readonly onWarning: (text: string) => void;
}

/**
 * Makes no connection yet. @throws ERR_USAGE; ERR_UNSUPPORTED_PLATFORM for a journal where there is none, and for OTLP
 * without its package
 */
export function openSink(url: string, { facility, tls, onWarning }: SinkOptions): Sink {
	const receiver = parseReceiver(url);
	const name = shownReceiver(url);
	if (receiver.kind === "journal") return journalSink({ name, path: receiver.path, facility });
	if (receiver.kind === "otlp") return otlpSink({ name, url: receiver.url, tls, onWarning });
	const { transport, host, port } = receiver;
	const common = { name, host, port, facility };
	if (transport === "udp") return syslogDatagramSink(common);
	return syslogStreamSink({ ...common, tls: transport === "tls" ? tls : undefined });
}
