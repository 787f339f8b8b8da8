/** Keeps how much of a log was delivered to a receiver that gives no answers. */

import type { Position } from "./position.js";

export interface Delivery {
	/** Says that everything up to the position was sent just now, and how long that took. */
	sent(position: Position, tookMs: number): void;
	/** Counts what was sent long enough ago as delivered. */
	settle(): void;
	/** Counts everything that was sent as delivered. */
	settleAll(): void;
	/** Forgets what was sent and is not delivered. */
	forget(): void;
	readonly delivered: Position | undefined;
	readonly isPending: boolean;
}

export function createDelivery(from: Position | undefined, settleMs: number): Delivery {
	let delivered = from;
	let marks: { readonly position: Position; atMs: number }[] = [];

	function settle(): void {
		const limit = performance.now() - settleMs;
		while (marks[0] !== undefined && marks[0].atMs <= limit) delivered = marks.shift()?.position;
	}

	return {
		sent(position, tookMs) {
			const atMs = performance.now();
			// The receiver read nothing for a while, so nobody knows what it has read of the lines before.
			if (tookMs > STALL_MS) for (const mark of marks) mark.atMs = atMs;
			const previous = marks.at(-2);
			// Few marks are enough, however many lines there are.
			if (previous !== undefined && atMs - previous.atMs < settleMs / MOST_MARKS) marks.pop();
			marks.push({ position, atMs });
			settle();
		},
		settle,
		settleAll() {
			delivered = marks.at(-1)?.position ?? delivered;
			marks = [];
		},
		forget() {
			marks = [];
		},
		get delivered() {
			return delivered;
		},
		get isPending() {
			return marks.length > 0;
		},
	};
}

const STALL_MS = 1000;
const MOST_MARKS = 50;
