/** Asks questions on the terminal, for commands that a person runs once. */

import { createInterface } from "node:readline/promises";
import { usageError } from "./usage.js";

export interface Asking {
	/** Returns the answer, or `otherwise` for an empty one. @throws ERR_USAGE if the input ends */
	ask(question: string, otherwise: string): Promise<string>;
	close(): void;
}

/** Returns true if questions can be asked: standard input and standard error are a terminal. */
export function canAsk(): boolean {
	return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Begins to ask. The terminal itself echoes and edits each line, and turns Ctrl-C into a signal. */
export function startAsking(): Asking {
	const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
	const ended = new Promise<never>((_, reject) => {
		const way = "use --yes, or options in place of answers";
		reader.once("close", () => reject(usageError(`Cannot go on without an answer: ${way}`)));
	});
	ended.catch(() => {}); // The end is an error only while a question is open.
	return {
		async ask(question, otherwise) {
			const shown = otherwise === "" ? "" : ` [${otherwise}]`;
			const answer = await Promise.race([reader.question(`${question}${shown}: `), ended]);
			return answer.trim() || otherwise;
		},
		close: () => reader.close(),
	};
}
