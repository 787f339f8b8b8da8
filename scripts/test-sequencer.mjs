/** Starts the slowest test files first. At the end of a run, one that started late would leave all cores but one idle. */

import { fileURLToPath } from "node:url";
import { BaseSequencer } from "vitest/node";
import { SLOWEST } from "./test-projects.mjs";

const workspace = fileURLToPath(new URL("..", import.meta.url));
const slowest = SLOWEST.map((file) => workspace + file);

export default class TestSequencer extends BaseSequencer {
	async sort(files) {
		const sorted = await super.sort(files);
		const rank = ({ moduleId }) => (slowest.includes(moduleId) ? slowest.indexOf(moduleId) : slowest.length);
		return sorted.sort((one, other) => rank(one) - rank(other));
	}
}
