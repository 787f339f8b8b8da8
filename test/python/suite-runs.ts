/** Runs CPython's own test files, and compares their results. */

import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { SANITIZER } from "../../packages/verifier/test/python/support.js";
import { spawn } from "../outside.js";
import { atEndOfFile, temporaryDirectory } from "../temporary.js";

export const RUN_TESTS = fileURLToPath(new URL("run-tests.py", import.meta.url));

export interface Results {
	/** The keys are the ids of tests. run-tests.py lists the outcomes. */
	readonly outcomes: Readonly<Record<string, string>>;
	readonly reasons: Readonly<Record<string, string>>;
}

/** A directory with the program that runs test files, and with the files that these write. */
export class SuiteRuns {
	readonly home = temporaryDirectory(atEndOfFile);
	readonly program = join(this.home, "app");

	constructor() {
		mkdirSync(this.program);
		copyFileSync(RUN_TESTS, join(this.program, "run-tests.py"));
	}

	/** Runs one test file in a new directory, where it may write. `command` begins with a Python. */
	async run(command: readonly string[], name: string, kind: string): Promise<Results> {
		const directory = join(this.home, `${name}-${kind}`);
		mkdirSync(directory);
		const results = join(directory, "results.json");
		const [file = "", ...args] = [...command, join(this.program, "run-tests.py"), results, `test.${name}`];
		const environment = { PATH: process.env.PATH, HOME: directory, TMPDIR: directory, LANG: "C.UTF-8", ...SANITIZER };
		const child = spawn(file, args, { cwd: directory, env: environment, stdio: "ignore" });
		const status = await new Promise((resolve) => child.on("close", resolve));
		expect(status).toBe(0);
		return JSON.parse(readFileSync(results, "utf8"));
	}
}

/** Returns the tests with different outcomes, with the last line of the reason. */
export function differences(unguarded: Results, other: Results): [name: string, reason: string][] {
	const names = Object.keys({ ...unguarded.outcomes, ...other.outcomes });
	const differing = names.filter((name) => unguarded.outcomes[name] !== other.outcomes[name]);
	return differing.map((name) => [name, other.reasons[name]?.trim().split("\n").at(-1) ?? "not run"]);
}
