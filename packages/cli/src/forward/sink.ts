/** Declares what forward-log.ts asks of a receiver of events, whatever protocol it speaks. */

import { errnoReason, isErrnoException, quote, SigtoolError } from "@sigtool/core/internal/errors";
import type { LoggedEvent } from "../events/event.js";

/** A line of a log, on its way to a receiver. */
export interface OutgoingLine {
	/** The bytes of the line, without its line feed. */
	readonly bytes: Buffer;
	/** Undefined for a line that is no event. It is sent all the same, so that the chain of the log stays whole. */
	readonly event: LoggedEvent | undefined;
	/** The number of lines in whose place this one stands, because they cannot be sent. */
	readonly missed?: number;
}

export interface Sink {
	/** The URL without secrets. */
	readonly name: string;
	/**
	 * Lines count as delivered when they have been sent for this long and the connection still stands. It is 0 if `send`
	 * returns only when the receiver has them.
	 */
	readonly settleMs: number;
	/**
	 * Sends lines, over a new connection if there is none. Returns when the system or the receiver has taken them. After
	 * an error some of them may have arrived.
	 * @throws ERR_NETWORK
	 */
	send(lines: readonly OutgoingLine[], signal: AbortSignal): Promise<void>;
	/**
	 * Tells how the connection is over which the last lines went. `ended` says that the receiver has closed it in order,
	 * and `broken` that it is gone in another way.
	 */
	readonly connection: "stands" | "ended" | "broken";
	/** Ends in order. Returns true if the receiver then has everything that was sent. Never throws. */
	close(): Promise<boolean>;
	/** Gives the connection up. Whatever was on its way may be lost. */
	abandon(): void;
}

/** Makes the error of a receiver that cannot be reached, or that does not take what it is sent. */
export function receiverError(name: string, cause: unknown): SigtoolError {
	return new SigtoolError("ERR_NETWORK", `Cannot send to ${quote(name)}: ${reasonIn(cause)}`, { cause });
}

/** Errors of TLS have codes too, but their messages say more. */
function reasonIn(cause: unknown): string {
	if (isErrnoException(cause) && /^E[A-Z0-9]+$/.test(cause.code)) return errnoReason(cause);
	return cause instanceof Error ? (cause.message.split("\n", 1)[0] ?? "") : String(cause);
}
