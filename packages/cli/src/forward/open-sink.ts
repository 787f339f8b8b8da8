/** Makes the sink of a receiver. */

import { parseReceiver } from "./receiver-url.js";
import type { Sink } from "./sink.js";
import { syslogDatagramSink } from "./syslog-datagram-sink.js";
import type { Facility } from "./syslog-message.js";
import { syslogStreamSink, type TlsFiles } from "./syslog-stream-sink.js";

export interface SinkOptions {
	readonly facility: Facility;
	readonly tls: TlsFiles;
}

/** Makes no connection yet. @throws ERR_USAGE */
export function openSink(url: string, { facility, tls }: SinkOptions): Sink {
	const { transport, host, port } = parseReceiver(url);
	const common = { name: url, host, port, facility };
	if (transport === "udp") return syslogDatagramSink(common);
	return syslogStreamSink({ ...common, tls: transport === "tls" ? tls : undefined });
}
