/** Makes the sink of a receiver. */

import { journalSink } from "./journal-sink.js";
import { parseReceiver } from "./receiver-url.js";
import type { Sink } from "./sink.js";
import { syslogDatagramSink } from "./syslog-datagram-sink.js";
import type { Facility } from "./syslog-message.js";
import { syslogStreamSink, type TlsFiles } from "./syslog-stream-sink.js";

export interface SinkOptions {
	readonly facility: Facility;
	readonly tls: TlsFiles;
}

/** Makes no connection yet. @throws ERR_USAGE; ERR_UNSUPPORTED_PLATFORM for a journal where there is none */
export function openSink(url: string, { facility, tls }: SinkOptions): Sink {
	const receiver = parseReceiver(url);
	if (receiver.kind === "journal") return journalSink({ name: url, path: receiver.path, facility });
	const { transport, host, port } = receiver;
	const common = { name: url, host, port, facility };
	if (transport === "udp") return syslogDatagramSink(common);
	return syslogStreamSink({ ...common, tls: transport === "tls" ? tls : undefined });
}
