/**
 * Limits the work of matching paths with globs and ignore patterns. The work for each single pattern is limited, but a
 * signer could choose many patterns that need the most work. Therefore all patterns of a selection take their steps
 * from one common number, and each path adds steps to it.
 */

import { SigtoolError } from "../../errors.js";

export interface MatchSteps {
	/** Adds STEPS_FOR_A_PATH steps. The caller calls `nextPath` before it matches a path. */
	nextPath(): void;
	/** Takes steps away. @throws ERR_LIMIT if fewer steps are left */
	spend(steps: number): void;
}

/**
 * The number of steps at the beginning, so that a few paths may need many steps. All these steps take less than a
 * second.
 */
const FIRST_STEPS = 2 ** 25;
/**
 * The number of steps that each path adds. All these steps take about 0.15 ms, so the time for a tree is at most
 * proportional to the number of its files. An ordinary pattern takes fewer than ten steps for a path.
 */
const STEPS_FOR_A_PATH = 2 ** 14;

export function createMatchSteps(): MatchSteps {
	let left = FIRST_STEPS;
	return {
		nextPath() {
			left += STEPS_FOR_A_PATH;
		},
		spend(steps) {
			left -= steps;
			if (left >= 0) return;
			const message =
				"Cannot match the paths of the tree with the include globs and ignore patterns: that takes too many steps; use simpler patterns";
			throw new SigtoolError("ERR_LIMIT", message);
		},
	};
}
