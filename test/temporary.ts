/** Makes directories for tests, and removes them at the end. */

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";

const endings: (() => void)[] = [];
afterAll(() => {
	for (const end of endings.reverse()) end();
});

/** Calls a function when all tests of the file have finished. Hooks may register one, too. */
export function atEndOfFile(end: () => void): void {
	endings.push(end);
}

/**
 * Makes a directory that is removed when the test has finished. What lasts for other tests too is made with
 * `atEndOfFile`. Tests that run at the same time as others pass the function of their context.
 */
export function temporaryDirectory(atEnd: (end: () => void) => void = onTestFinished, below = tmpdir()): string {
	const directory = realpathSync(mkdtempSync(join(below, "sigtool-test-")));
	atEnd(() => rmSync(directory, { recursive: true, force: true }));
	return directory;
}
