/**
 * Prints less than Vitest's default reporter for people: a run of several files prints only the files that failed. On a
 * terminal, the last lines show the progress. A log gets a line about the progress every half minute. At the end the
 * reporter lists why tests were skipped, and the long tests that did not run.
 */

import { DefaultReporter } from "vitest/node";
import { LONG } from "./test-projects.mjs";

const EVERY_MS = 30_000;

export default class TestReporter extends DefaultReporter {
	files = 0;
	ended = 0;
	failed = 0;
	tests = 0;
	timer = undefined;

	onTestRunStart(specifications) {
		super.onTestRunStart(specifications);
		this.files = specifications.length;
		if (!this.isTTY) this.timer = setInterval(() => this.printProgress(), EVERY_MS);
	}

	onTestCaseResult(test) {
		this.tests++;
		super.onTestCaseResult(test);
	}

	onTestModuleEnd(module) {
		this.ended++;
		if (module.state() === "failed") this.failed++;
		super.onTestModuleEnd(module);
	}

	/** Prints a file if it is the only file or if it failed. */
	printTestModule(module) {
		if (this.files === 1 || module.state() === "failed") super.printTestModule(module);
	}

	printProgress() {
		const seconds = Math.round((performance.now() - this.start) / 1000);
		const failed = this.failed === 0 ? "" : `, ${this.failed} failed`;
		this.log(`${clock(seconds)}  ${this.ended} of ${this.files} test files${failed}; ${this.tests} tests`);
	}

	onTestRunEnd(modules, errors, reason) {
		clearInterval(this.timer);
		super.onTestRunEnd(modules, errors, reason);
		for (const [reason, count] of skippedIn(modules)) this.log(`skipped ${count}: ${reason}`);
		// A run of named test files is meant to run only these files. So it does not mention test:long.
		const isNamed = this.ctx.filenamePattern?.length > 0 && modules.length > 0;
		const names = this.ctx.projects.map(({ name }) => name);
		const isLeft = names.includes("parallel") && !names.some((name) => name.startsWith("long"));
		if (isLeft && !isNamed) this.log(`left to pnpm test:long:\n  ${LONG.join("\n  ")}`);
	}
}

/**
 * Maps each reason why tests were skipped to their number, the most frequent first. A reason is what the test found to be
 * missing, or else what its name says in parentheses. Without a reason the name of the outermost group is in its place.
 */
function skippedIn(modules) {
	const skipped = new Map();
	for (const test of modules.flatMap(({ children }) => [...children.allTests("skipped")])) {
		const reason = noteOf(test) ?? NEEDS.exec(test.fullName)?.[1] ?? test.fullName.split(" > ")[0];
		skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
	}
	return [...skipped].sort(([, one], [, other]) => other - one);
}

/** Returns what a test found to be missing, or a hook of a group around it. */
function noteOf(test) {
	const own = test.result().note;
	for (let group = test.parent; own === undefined && group !== undefined; group = group.parent) {
		// Vitest has no other way to the result of a hook.
		const { note } = group.task.result ?? {};
		if (note !== undefined) return note;
	}
	return own;
}

/** Matches what a name says in parentheses about its needs: `hooks (needs cc)`, `events (as root)`. */
const NEEDS = /\(((?:needs?|as root|.* need)\b[^()]*)\)/;

function clock(seconds) {
	return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
