/** The command line on a terminal of its own, made by script(1). */

import { spawn } from "node:child_process";
import { hasProgram, MAIN } from "./support.js";

export const hasTerminal = process.platform === "linux" && hasProgram("script");

export interface Shown {
	/** Everything the terminal shows, the echo of what is typed included. */
	readonly text: string;
	readonly status: number | null;
}

/** Types one answer after each question, a line that ends with a colon, as soon as it is there. */
export function onTerminal(
	args: readonly string[],
	env: Readonly<Record<string, string>>,
	answers: readonly string[],
): Promise<Shown> {
	const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(" ");
	const child = spawn("script", ["-qec", command, "/dev/null"], { env: { ...process.env, NO_COLOR: "1", ...env } });
	const left = [...answers];
	let text = "";
	let unanswered = "";
	child.stdout.setEncoding("utf8").on("data", (piece: string) => {
		text += piece;
		unanswered += piece;
		if (!unanswered.endsWith(": ")) return;
		unanswered = "";
		child.stdin.write(`${left.shift() ?? ""}\r`);
	});
	return new Promise((resolve) => {
		child.on("close", (status) => resolve({ text, status }));
	});
}
