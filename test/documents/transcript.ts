/** Runs the steps of a page in one shell, so that directories and variables last from one step to the next. */

import { expect } from "vitest";
import type { SpawnSyncReturns } from "../outside.js";
import type { Step } from "./page.js";

export interface Outcome extends Step {
	/** The standard output and standard error of the step, in the order in which they were written. */
	readonly printed: string;
	/** The commands of the step that failed. */
	readonly failed: readonly string[];
}

const MARK = "\u0001";

/** @param run runs a script of bash, with standard error joined to standard output */
export function transcript(steps: readonly Step[], run: (script: string) => SpawnSyncReturns<string>): Outcome[] {
	const script = [
		"exec 2>&1",
		"keep_status() { return $1; }",
		`trap '[[ $BASH_COMMAND = keep_status* || $BASH_COMMAND = "return \\$1" ]] || printf "${MARK}failed %s\\n" "$BASH_COMMAND"' ERR`,
		// A step may ask for the exit status of the one before.
		...steps.map(({ command }) => `status=$?; printf '${MARK}step\\n'; keep_status $status\n${command.trimEnd()}`),
		`printf '${MARK}end\\n'`,
	].join("\n");
	const { stdout, error } = run(script);
	if (error !== undefined) throw error;
	const parts = stdout.split(`${MARK}step\n`).slice(1);
	if (parts.length !== steps.length || !stdout.endsWith(`${MARK}end\n`))
		throw new Error(`The shell ended in step ${parts.length} of ${steps.length}:\n${stdout}`);
	return steps.map((step, index) => {
		const lines = (parts[index] ?? "").split("\n").filter((line) => line !== `${MARK}end`);
		const failed = lines.filter((line) => line.startsWith(`${MARK}failed `)).map((line) => line.slice(8));
		const printed = lines
			.filter((line) => !line.startsWith(MARK))
			.join("\n")
			.trimEnd();
		return { ...step, printed, failed };
	});
}

/** Replaces what differs from run to run and from machine to machine. */
function normalised(text: string, home: string): string {
	return text
		.replaceAll(home, "/home/ada")
		.replace(/\b[0-9a-f]{64}\b/g, "<sha256>")
		.replace(/\b1[0-9]{9}\b/g, "<sequence>")
		.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>")
		.replace(/\bpid\b("?:)? ?\d+/g, "<pid>")
		.replace(/CN=sigtool development \([^)]*\)/g, "CN=sigtool development (<user>)")
		.replace(/[ \t]+$/gm, "");
}

/** Fails if a page does not show what a command printed. */
export function expectShown(printed: string, shown: string, home = "/home/ada"): void {
	const wanted = normalised(shown, home);
	expect(shortened(normalised(printed, home), wanted)).toBe(wanted);
}

/**
 * Returns the lines of `printed`, shortened as the page shortens them: there a line `…` stands for any lines, and `…` at
 * the end of a line for its rest. So the result equals `shown` if the page shows what was printed.
 */
function shortened(printed: string, shown: string): string {
	const lines = printed.split("\n");
	const result: string[] = [];
	const wanted = shown.split("\n");
	for (const [index, line] of wanted.entries()) {
		if (line === "…") {
			const next = wanted[index + 1];
			while (lines.length > 0 && (next === undefined || !isShown(lines[0] ?? "", next))) lines.shift();
			result.push(line);
		} else {
			const first = lines.shift();
			if (first === undefined) break;
			result.push(isShown(first, line) ? line : first);
		}
	}
	return [...result, ...lines].join("\n");
}

function isShown(line: string, shown: string): boolean {
	return shown.endsWith("…") ? line.startsWith(shown.slice(0, -1).trimEnd()) : line === shown;
}
