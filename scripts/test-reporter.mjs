/**
 * Prints less than Vitest's default reporter for people: a run of several files prints only the files that failed. On a
 * terminal, the last lines show the progress. A log gets a line about the progress every half minute. At the end the
 * reporter lists the skipped tests, and the long tests that did not run.
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
		for (const [name, count] of skippedIn(modules)) this.log(`skipped ${count}: ${name}`);
		// A run of named test files is meant to run only these files. So it does not mention test:long.
		const isNamed = this.ctx.filenamePattern?.length > 0 && modules.length > 0;
		const names = this.ctx.projects.map(({ name }) => name);
		const isLeft = names.includes("parallel") && !names.some((name) => name.startsWith("long"));
		if (isLeft && !isNamed) this.log(`left to pnpm test:long:\n  ${LONG.join("\n  ")}`);
	}
}

/**
 * Maps the name of each skipped test, with what it misses, to the number of tests with this name. If all tests of a
 * group were skipped, the map has the outermost such group in their place.
 */
function skippedIn(modules) {
	const skipped = new Map();
	const add = (name, note, count) => {
		const key = note === undefined ? name : `${name}: ${note}`;
		skipped.set(key, (skipped.get(key) ?? 0) + count);
	};
	const visit = (children) => {
		for (const child of children) {
			const tests = child.type === "suite" ? [...child.children.allTests()] : [child];
			if (tests.length === 0) continue;
			if (tests.every((test) => test.result().state === "skipped"))
				add(child.fullName, tests.map((test) => test.result().note).find(Boolean), tests.length);
			else if (child.type === "suite") visit(child.children);
		}
	};
	for (const { children } of modules) visit(children);
	return skipped;
}

function clock(seconds) {
	return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
