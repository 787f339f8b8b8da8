/**
 * Sends a log to one receiver. The log itself is the queue: lines are read only as fast as the receiver takes them, so
 * memory stays bounded, and nothing is dropped while the file is there.
 */

import { setTimeout } from "node:timers/promises";
import { SigtoolError } from "@sigtool/core/internal/errors";
import { createDelivery } from "./delivery.js";
import type { Log } from "./log-files.js";
import { linesAfter, type ReadLines } from "./log-lines.js";
import type { Position } from "./position.js";
import { receiverError, type Sink } from "./sink.js";

export interface Forwarding {
	/** Called when more was delivered. */
	readonly onDelivered: (position: Position) => void;
	/** Called once when the receiver fails, and once when it works again. */
	readonly onFailure: (error: SigtoolError) => void;
	readonly onRecovery: () => void;
	readonly signal: AbortSignal;
}

export interface Forwarded {
	/** The number of lines that were sent. Lines that were sent once more are counted again. */
	readonly sent: number;
	/** The least number of lines that could not be sent. */
	readonly missed: number;
	/** How often the receiver or the log failed. */
	readonly failures: number;
}

/**
 * Sends the lines after `from` until the signal is aborted. After a failure it waits, and goes on after the last line
 * that was delivered, so that a line may arrive twice and none is left out.
 */
export async function forwardLog(
	log: Log,
	sink: Sink,
	from: Position | undefined,
	{ onDelivered, onFailure, onRecovery, signal }: Forwarding,
): Promise<Forwarded> {
	const delivery = createDelivery(from, sink.settleMs);
	let told = from;
	let [sent, missed, failures, delayMs] = [0, 0, 0, FIRST_DELAY_MS];
	let isFailing = false;
	/** Where the log was when the receiver last closed the connection in order. */
	let endedAt: { readonly position: Position | undefined } | undefined;

	const tell = () => {
		if (delivery.delivered === undefined || delivery.delivered === told) return;
		told = delivery.delivered;
		onDelivered(told);
		delayMs = FIRST_DELAY_MS;
		if (isFailing) onRecovery();
		isFailing = false;
	};

	async function send({ lines, position }: ReadLines): Promise<void> {
		const startMs = performance.now();
		await sink.send(lines, signal);
		delivery.sent(position, performance.now() - startMs);
		sent += lines.length;
		missed += lines.reduce((sum, line) => sum + (line.missed ?? 0), 0);
	}

	/** Lines that were on a connection that is gone are sent again. */
	function checkConnection(): void {
		if (!delivery.isPending || sink.connection === "stands") return;
		// Some receivers close connections that are idle. After the second time they have nothing more to tell.
		const isAgain = endedAt !== undefined && endedAt.position === delivery.delivered;
		if (sink.connection === "ended" && isAgain) delivery.settleAll();
		else {
			if (sink.connection === "ended") endedAt = { position: delivery.delivered };
			throw receiverError(sink.name, new Error("the receiver has closed the connection"));
		}
	}

	while (!signal.aborted) {
		try {
			for await (const read of linesAfter(log, delivery.delivered, signal)) {
				checkConnection();
				if (read === "idle") delivery.settle();
				else await send(read);
				tell();
			}
		} catch (error) {
			sink.abandon();
			delivery.forget();
			if (!(error instanceof SigtoolError)) throw error;
			if (signal.aborted) break;
			failures++;
			if (!isFailing) onFailure(error);
			isFailing = true;
			await setTimeout(delayMs * (1 + Math.random() / 4), undefined, { signal }).catch(() => {});
			delayMs = Math.min(2 * delayMs, LAST_DELAY_MS);
		}
	}
	if (await sink.close()) delivery.settleAll();
	tell();
	return { sent, missed, failures };
}

const FIRST_DELAY_MS = 1000;
const LAST_DELAY_MS = 60_000;
