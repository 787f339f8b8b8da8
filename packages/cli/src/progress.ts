/** A progress bar on stderr, for work of more than half a second on a terminal. */

import type { HashProgress } from "@sigtool/core";
import type { OutputOptions } from "./output.js";

export interface Progress {
	update(done: HashProgress): void;
	stop(): void;
}

const DELAY_MS = 500;

export async function startProgress(label: string, options: OutputOptions): Promise<Progress> {
	if (process.stderr.isTTY !== true || options.quiet === true || options.json === true) return SILENT;
	const { default: cliProgress } = await import("cli-progress");
	// Hashing keeps the thread busy: the bar must draw when it is updated, not from a timer.
	const bar = new cliProgress.SingleBar({
		format: `${label} [{bar}] {percentage}% {value}/{total} files`,
		stream: process.stderr,
		synchronousUpdate: true,
		clearOnComplete: true,
		hideCursor: false,
	});
	const startedAt = performance.now();
	let shown = false;
	return {
		update({ files, totalFiles }) {
			if (performance.now() - startedAt < DELAY_MS) return;
			if (!shown) bar.start(totalFiles, files);
			shown = true;
			bar.setTotal(totalFiles);
			bar.update(files);
		},
		stop() {
			if (shown) bar.stop();
		},
	};
}

const SILENT: Progress = { update() {}, stop() {} };
