/** Shows a progress bar on stderr when that is a terminal and the work takes more than half a second. */

import type { HashProgress } from "@sigtool/core";
import type { OutputOptions } from "./output.js";
import { thousands } from "./render.js";
import { terminal } from "./terminal.js";

export interface Progress {
	update(done: HashProgress): void;
	stop(): void;
}

const DELAY_MS = 500;
const BAR_WIDTH = 40;
/** The columns for the label and the numbers beside the bar. */
const TEXT_WIDTH = 50;

export async function startProgress(label: string, options: OutputOptions): Promise<Progress> {
	const stderr = terminal(2);
	if (stderr === undefined || options.quiet === true || options.json === true) return SILENT;
	const { default: cliProgress } = await import("cli-progress");
	const startedAt = performance.now();
	let lastTotal = 0;
	let growing = true;
	let shown = false;
	const bar = new cliProgress.SingleBar({
		// Shows no percentage while files are still being found, because it would go backwards.
		format(barOptions, { progress, value, total }) {
			if (growing) return `${label} ${thousands(value)} files`;
			const filled = cliProgress.Format.BarFormat(progress, barOptions);
			return `${label} [${filled}] ${Math.floor(progress * 100)}% ${thousands(value)}/${thousands(total)} files`;
		},
		stream: stderr,
		barsize: Math.max(0, Math.min(BAR_WIDTH, stderr.columns - TEXT_WIDTH)),
		// Hashing keeps the thread busy, so no timer would fire: the bar is drawn on each update.
		synchronousUpdate: true,
		clearOnComplete: true,
		// The terminal's modes stay unchanged, so nothing has to be restored when the process ends.
		hideCursor: false,
		linewrap: true,
	});
	return {
		update({ files, totalFiles }) {
			growing = totalFiles !== lastTotal;
			lastTotal = totalFiles;
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
