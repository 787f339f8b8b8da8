/** Runs the command line on a new terminal, which script(1) makes. */

import { hasProgram, spawn } from "../../../test/outside.js";
import { MAIN } from "./support.js";

export const hasTerminal = process.platform === "linux" && hasProgram("script");

export interface Shown {
	/** Everything that the terminal shows, including the echo of typed text. */
	readonly text: string;
	readonly status: number | null;
}

/**
 * Runs sigtool with these arguments on a new terminal, and returns all that the terminal shows. Output that ends with a
 * colon and a space is a question. To each question the next of `answers` is typed, after `delayMs`.
 */
export function onTerminal(
	args: readonly string[],
	env: Readonly<Record<string, string>>,
	answers: readonly string[],
	delayMs = 0,
	cwd?: string,
): Promise<Shown> {
	const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(" ");
	const child = spawn("script", ["-qec", command, "/dev/null"], {
		cwd,
		env: { ...process.env, NO_COLOR: "1", ...env },
	});
	const left = [...answers];
	let text = "";
	let unanswered = "";
	child.stdout.setEncoding("utf8").on("data", (piece: string) => {
		text += piece;
		unanswered += piece;
		if (!unanswered.endsWith(": ")) return;
		unanswered = "";
		setTimeout(() => child.stdin.write(`${left.shift() ?? ""}\r`), delayMs);
	});
	return new Promise((resolve) => {
		child.on("close", (status) => resolve({ text, status }));
	});
}
