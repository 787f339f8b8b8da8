/** Sends lines to systemd's journal, one entry each. */

import { setTimeout } from "node:timers/promises";
import { datagramSender } from "@sigtool/core/internal";
import { isErrnoException } from "@sigtool/core/internal/errors";
import { journalMessage } from "./journal-message.js";
import { receiverError, type Sink } from "./sink.js";
import type { Facility } from "./syslog-message.js";

export interface JournalOptions {
	readonly name: string;
	readonly path: string;
	readonly facility: Facility;
}

/** @throws ERR_UNSUPPORTED_PLATFORM if this system, or this installation, cannot send datagrams to a path */
export function journalSink({ name, path, facility }: JournalOptions): Sink {
	const sendDatagram = datagramSender();

	/** Waits while the journal has no room. */
	async function sendOne(message: Buffer, signal: AbortSignal): Promise<void> {
		for (const end = performance.now() + FULL_MS; ; ) {
			try {
				sendDatagram(path, message);
				return;
			} catch (error) {
				const isFull = isErrnoException(error) && error.code === "EAGAIN";
				if (!isFull || performance.now() > end || signal.aborted) throw error;
			}
			await setTimeout(PAUSE_MS);
		}
	}

	return {
		name,
		// The kernel keeps what was sent until the journal has read it.
		settleMs: 0,
		async send(lines, signal) {
			try {
				for (const line of lines) await sendOne(journalMessage(line, facility), signal);
			} catch (cause) {
				throw receiverError(name, cause);
			}
		},
		connection: "stands",
		close: async () => true,
		abandon() {},
	};
}

const PAUSE_MS = 5;
/** A journal that takes nothing for so long has failed. */
const FULL_MS = 10_000;
