/** Shows progress on standard error if that is a terminal and the work takes more than half a second. */

import type { HashProgress } from "@sigtool/core";
import type { OutputOptions } from "./output.js";
import { bytes, thousands } from "./render.js";
import { terminal } from "./terminal.js";

export interface Progress {
	update(done: HashProgress): void;
	stop(): void;
}

const DELAY_MS = 500;

export async function startProgress(label: string, options: OutputOptions): Promise<Progress> {
	const stderr = terminal(2);
	if (stderr === undefined || options.quiet === true || options.json === true) return SILENT;
	const { default: cliProgress } = await import("cli-progress");
	const startedAt = performance.now();
	let state: ProgressState = { files: 0, totalFiles: 0, bytes: 0, totalBytes: 0, elapsedMs: 0, found: "growing" };
	let shown = false;
	const bar = new cliProgress.SingleBar({
		format: () => progressText(label, state, stderr.columns),
		stream: stderr,
		// The bar is drawn on each update. It is not drawn by a timer, because hashing keeps the thread busy and no
		// timer would fire.
		synchronousUpdate: true,
		clearOnComplete: true,
		// The bar does not change the modes of the terminal, so nothing has to be restored if the process is killed.
		hideCursor: false,
		linewrap: true,
	});
	return {
		update(done) {
			const elapsedMs = performance.now() - startedAt;
			state = { ...done, elapsedMs, found: done.totalFiles === state.totalFiles ? "all" : "growing" };
			if (elapsedMs < DELAY_MS) return;
			if (!shown) bar.start(Math.max(1, done.totalBytes), done.bytes);
			shown = true;
			bar.setTotal(Math.max(1, done.totalBytes));
			bar.update(done.bytes);
		},
		stop() {
			if (shown) bar.stop();
		},
	};
}

export interface ProgressState extends HashProgress {
	readonly elapsedMs: number;
	/**
	 * The value `growing` means that the number of files has changed since the last update, so directories are probably
	 * still being read.
	 */
	readonly found: "all" | "growing";
}

/**
 * Returns one line that fits into `columns` columns and leaves the last one free. The line has the bytes, the rate and
 * the time left, and a bar if there is room. While `found` is `growing` it has no percentage, because the percentage
 * would decrease.
 */
export function progressText(label: string, state: ProgressState, columns: number): string {
	const { files, bytes: done, totalBytes, elapsedMs, found } = state;
	const rate = done / Math.max(1, elapsedMs);
	const speed = `${bytes(Math.round(rate * 1000))}/s`;
	const room = Math.max(0, columns - 1);
	if (found === "growing" || totalBytes === 0) {
		return longest([`${label} ${thousands(files)} files, ${bytes(done)}, ${speed}`, `${label} ${bytes(done)}`], room);
	}
	const share = Math.min(1, done / totalBytes);
	const percent = `${Math.floor(share * 100)}%`;
	const left = rate === 0 ? "" : `, ${duration((totalBytes - done) / rate)} left`;
	const texts = [
		`${percent} ${bytes(done)} of ${bytes(totalBytes)}, ${speed}${left}`,
		`${percent} ${bytes(done)}, ${speed}${left}`,
		`${percent} ${speed}${left}`,
		`${percent}${left}`,
		percent,
	];
	const text = longest(texts, room - label.length - 1);
	const barWidth = Math.min(MAX_BAR_WIDTH, room - label.length - text.length - 4);
	if (barWidth < MIN_BAR_WIDTH) return `${label} ${text}`.slice(0, room);
	const filled = Math.round(share * barWidth);
	return `${label} [${"=".repeat(filled)}${"-".repeat(barWidth - filled)}] ${text}`;
}

/** Returns the first text that has at most `room` characters. If none fits, returns the beginning of the last text. */
function longest(texts: readonly string[], room: number): string {
	return texts.find(({ length }) => length <= room) ?? (texts.at(-1) ?? "").slice(0, Math.max(0, room));
}

/** Formats a time in milliseconds as `8 s`, `2 min 5 s` or `3 h 20 min`. */
function duration(milliseconds: number): string {
	const seconds = Math.ceil(milliseconds / 1000);
	if (seconds < 60) return `${seconds} s`;
	const minutes = Math.floor(seconds / 60);
	if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
	return `${thousands(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

const MAX_BAR_WIDTH = 40;
/** The least width of a bar in columns. A shorter bar shows no progress. */
const MIN_BAR_WIDTH = 5;
const SILENT: Progress = { update() {}, stop() {} };
