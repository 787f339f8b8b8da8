/**
 * Sends syslog messages over TCP or TLS, each with its length before it (octet counting, RFC 6587 and RFC 5425). So no
 * byte of a line can begin another message.
 */

import { once } from "node:events";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { receiverError, type Sink } from "./sink.js";
import { type Facility, syslogMessage } from "./syslog-message.js";
import type { TlsFiles } from "./tls-files.js";

export interface SyslogStreamOptions {
	readonly name: string;
	readonly host: string;
	readonly port: number;
	readonly facility: Facility;
	/** With these, TLS is spoken. The certificate of the receiver must be of its host. */
	readonly tls?: TlsFiles | undefined;
}

export function syslogStreamSink(options: SyslogStreamOptions): Sink {
	const { name, facility } = options;
	let socket: Socket | undefined;
	/** True if the receiver has closed the connection, and the system had nothing more for it. */
	let isEnded = false;

	const isOpen = () => socket?.destroyed === false && socket.readable && socket.writable;

	function abandon(): void {
		socket?.destroy();
		socket = undefined;
	}

	return {
		name,
		// Syslog has no answer. A receiver that has died is mostly noticed within this time.
		settleMs: 5000,
		async send(lines, signal) {
			if (!isOpen()) {
				abandon();
				socket = await connected(options, signal);
				isEnded = false;
				socket.once("close", (hadError) => {
					isEnded = !hadError;
				});
			}
			const parts = lines.flatMap((line) => {
				const message = syslogMessage(line, facility);
				return [Buffer.from(`${message.length} `), message];
			});
			await written(socket as Socket, Buffer.concat(parts), name, signal); // It was just connected, or is open.
		},
		get connection() {
			if (socket === undefined || isOpen()) return "stands";
			return isEnded ? "ended" : "broken";
		},
		async close() {
			if (socket === undefined || !isOpen()) return false;
			const closing = once(socket, "close").then(
				([hadError]) => hadError === false,
				() => false,
			);
			socket.end();
			const isClosed = await Promise.race([closing, setTimeout(CLOSE_MS, false, { ref: false })]);
			abandon();
			return isClosed;
		},
		abandon,
	};
}

const CLOSED = "the receiver has closed the connection";
const CLOSE_MS = 5000;
const CONNECT_MS = 15_000;
const KEEP_ALIVE_MS = 30_000;

/** @throws ERR_NETWORK */
async function connected(options: SyslogStreamOptions, signal: AbortSignal): Promise<Socket> {
	const { name, host, port, tls } = options;
	const socket =
		tls === undefined
			? connectTcp({ host, port })
			: connectTls({
					...{ host, port, ...tls, minVersion: "TLSv1.2" },
					// Otherwise NODE_TLS_REJECT_UNAUTHORIZED could switch the check off.
					rejectUnauthorized: true,
					...(isIP(host) === 0 && { servername: host }),
				});
	const limit = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
	try {
		await once(socket, tls === undefined ? "connect" : "secureConnect", { signal: limit });
	} catch (cause) {
		socket.destroy();
		socket.on("error", () => {});
		throw receiverError(name, limit.aborted ? new Error("no connection within 15 seconds", { cause }) : cause);
	}
	// An error shows by the state of the socket, and by the write that it ends.
	socket.on("error", () => {});
	// A receiver says nothing, but only a socket that is read notices that it has closed.
	socket.resume();
	socket.setKeepAlive(true, KEEP_ALIVE_MS);
	return socket;
}

/** Returns when the system has taken the bytes, which it does only while the receiver reads. @throws ERR_NETWORK */
function written(socket: Socket, bytes: Buffer, name: string, signal: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		const done = (cause?: Error | null) => {
			socket.off("close", closed);
			signal.removeEventListener("abort", aborted);
			if (cause === undefined || cause === null) resolve();
			else reject(receiverError(name, cause));
		};
		const closed = () => done(new Error(CLOSED));
		const aborted = () => done(new Error("interrupted"));
		socket.once("close", closed);
		signal.addEventListener("abort", aborted);
		socket.write(bytes, done);
	});
}
