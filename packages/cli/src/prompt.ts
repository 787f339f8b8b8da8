/** Asks for a secret on the terminal, without showing it. */

import { SigtoolError } from "@sigtool/core/errors";

/** Exits with 130 on Ctrl-C. @throws ERR_KEY_PASSPHRASE when there is no terminal to ask on */
export async function readPassphrase(question: string): Promise<string> {
	const { stdin, stderr } = process;
	if (stdin.isTTY !== true) {
		const message =
			"Cannot open the key: it is encrypted and there is no terminal to ask on; " +
			"use --passphrase-file or SIGTOOL_PASSPHRASE";
		throw new SigtoolError("ERR_KEY_PASSPHRASE", message);
	}
	stderr.write(question);
	stdin.setRawMode(true);
	stdin.setEncoding("utf8");
	try {
		return await readLine(stdin);
	} finally {
		stdin.setRawMode(false);
		stdin.pause();
		stderr.write("\n");
	}
}

async function readLine(stdin: NodeJS.ReadStream): Promise<string> {
	const characters: string[] = [];
	for await (const chunk of stdin) {
		for (const character of String(chunk)) {
			if (character === "\r" || character === "\n" || character === "\u0004") return characters.join("");
			if (character === "\u0003") {
				stdin.setRawMode(false);
				process.exit(130);
			}
			if (character === "\u007f" || character === "\b") characters.pop();
			else characters.push(character);
		}
	}
	return characters.join("");
}
