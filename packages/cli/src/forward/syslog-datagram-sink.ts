/** Sends syslog messages over UDP, one a datagram (RFC 5426). */

import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { setTimeout } from "node:timers/promises";
import { isErrnoException } from "@sigtool/core/internal/errors";
import { receiverError, type Sink } from "./sink.js";
import { type Facility, syslogMessage } from "./syslog-message.js";

export interface SyslogDatagramOptions {
	readonly name: string;
	readonly host: string;
	readonly port: number;
	readonly facility: Facility;
}

/** A line that has no room in a datagram is cut. */
export function syslogDatagramSink({ name, host, port, facility }: SyslogDatagramOptions): Sink {
	let socket: Socket | undefined;
	let mostBytes = MOST_BYTES;

	function abandon(): void {
		socket?.close();
		socket = undefined;
	}

	async function connect(): Promise<Socket> {
		const { address } = await lookup(host);
		const made = createSocket(isIPv6(address) ? "udp6" : "udp4");
		made.on("error", () => {}); // The next `send` reports it.
		made.connect(port, address);
		await once(made, "connect");
		return made;
	}

	async function sendOne(line: Parameters<typeof syslogMessage>[0]): Promise<void> {
		socket ??= await connect();
		const message = syslogMessage(line, facility, mostBytes);
		const error = await new Promise<Error | null>((resolve) => socket?.send(message, resolve));
		if (error === null) return;
		// Some systems and networks take less than UDP allows.
		if (!isErrnoException(error) || error.code !== "EMSGSIZE" || mostBytes <= LEAST_BYTES) throw error;
		mostBytes = Math.max(LEAST_BYTES, Math.floor(mostBytes / 2));
		await sendOne(line);
	}

	return {
		name,
		// Nothing tells if a datagram has arrived.
		settleMs: 0,
		async send(lines, signal) {
			try {
				for (const [index, line] of lines.entries()) {
					// A receiver drops what it has no room for, so a long log goes out slowly.
					if (index % BURST === BURST - 1) await setTimeout(1);
					if (signal.aborted) throw new Error("interrupted");
					await sendOne(line);
				}
			} catch (cause) {
				abandon();
				throw receiverError(name, cause);
			}
		},
		connection: "stands",
		async close() {
			abandon();
			return true;
		},
		abandon,
	};
}

/** The most that a datagram of IPv4 and of IPv6 has room for: 65,535 bytes without both headers. */
const MOST_BYTES = 65_487;
/** This many datagrams are sent in a millisecond at most. */
const BURST = 16;
/** Every receiver must take this much (RFC 5426, section 3.2). */
const LEAST_BYTES = 480;
