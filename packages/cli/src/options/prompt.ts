/**
 * Asks for a secret on the terminal without echo. The terminal is opened by its name, as ssh and git do, so that
 * standard input can be a pipe.
 */

import { openSync, writeSync } from "node:fs";
import { ReadStream } from "node:tty";
import { SigtoolError } from "@sigtool/core/internal/errors";

export interface Question {
	readonly text: string;
	/**
	 * The parts of the error if there is no terminal or no answer: its code, the secret that is needed, and the options
	 * to use instead.
	 */
	readonly otherwise: { readonly code: "ERR_KEY_PASSPHRASE" | "ERR_PIN"; readonly needs: string; readonly use: string };
}

/**
 * Returns the line that the user types, which may be empty. Ctrl-C ends the process with exit status 130.
 * @throws `otherwise` if there is no terminal, or if the input ends before a character was typed
 */
export async function askSecret({ text, otherwise }: Question): Promise<string> {
	const unanswered = (reason: string) => {
		const { code, needs, use } = otherwise;
		return new SigtoolError(code, `Cannot open the key: it needs ${needs} and ${reason}; use ${use}`);
	};
	const terminal = openTerminal();
	if (terminal === undefined) throw unanswered("there is no terminal to ask on");
	terminal.input.setRawMode(true); // Raw mode turns off echo, so it must begin before the user can type the answer.
	terminal.write(text);
	try {
		const answer = await readLine(terminal.input);
		if (answer === "interrupt") {
			terminal.close();
			process.exit(130);
		}
		if (answer === "end") throw unanswered("none was given");
		return answer.text;
	} finally {
		terminal.close();
	}
}

interface Terminal {
	readonly input: ReadStream;
	write(text: string): void;
	/** Restores the mode of the terminal and ends the line. Does nothing if called again. */
	close(): void;
}

/**
 * Opens /dev/tty. Returns undefined if there is no terminal. Windows has no /dev/tty, so on Windows standard input must
 * be the terminal.
 */
function openTerminal(): Terminal | undefined {
	const isWindows = process.platform === "win32";
	if (isWindows && !process.stdin.isTTY) return undefined;
	let descriptor: number | undefined;
	try {
		descriptor = isWindows ? undefined : openSync("/dev/tty", "r+");
	} catch {
		return undefined;
	}
	const input = descriptor === undefined ? process.stdin : new ReadStream(descriptor);
	const output = descriptor ?? process.stderr.fd;
	let open = true;
	return {
		input,
		write: (text) => writeSync(output, text),
		close() {
			if (!open) return;
			open = false;
			input.setRawMode(false);
			writeSync(output, "\n");
			if (descriptor === undefined) input.pause();
			else input.destroy();
		},
	};
}

type Answer = { readonly text: string } | "interrupt" | "end";

/**
 * Reads one line. Handles backspace, Ctrl-C, Ctrl-D and Ctrl-U itself, because the terminal does not handle them in raw
 * mode.
 */
function readLine(input: ReadStream): Promise<Answer> {
	let characters: string[] = [];
	input.setEncoding("utf8");
	return new Promise((resolve, reject) => {
		const answer = (value: Answer) => {
			input.off("data", onData);
			resolve(value);
		};
		const onData = (chunk: string | Buffer) => {
			for (const character of String(chunk)) {
				if (character === KEY.interrupt) return answer("interrupt");
				if (character === KEY.end && characters.length === 0) return answer("end");
				if (character === "\r" || character === "\n" || character === KEY.end) {
					return answer({ text: characters.join("") });
				}
				if (character === KEY.clear) characters = [];
				else if (character === KEY.delete || character === "\b") characters.pop();
				else characters.push(character);
			}
		};
		input.on("data", onData);
		input.once("error", reject);
		input.once("end", () => answer("end"));
	});
}

/** The characters that Ctrl-C, Ctrl-D, Ctrl-U and the backspace key send. */
const KEY = { interrupt: "\u0003", end: "\u0004", clear: "\u0015", delete: "\u007f" } as const;
