import type { Command } from "commander";
import { filled } from "../output/help.js";
import type { Report } from "../output/output.js";

export interface CommandDeclaration {
	readonly name: string;
	readonly description: string;
	/**
	 * Adds arguments, options and examples to the command. Returns a function that loads the command's code. Returns
	 * undefined for a group of commands.
	 */
	readonly declare: (command: Command) => (() => Promise<CommandCode>) | undefined;
	readonly commands?: readonly CommandDeclaration[];
}

/**
 * The code of a command. It gets the operands in order, then the options, and returns a report, which the caller
 * prints.
 */
export type CommandCode = (...operands: never[]) => Promise<Report>;

/** Adds examples below a command's help, then the text `after`. */
export function examples(command: Command, lines: readonly string[], after = ""): void {
	const shown = lines.map((line) => `  $ ${line}`).join("\n");
	command.addHelpText("after", () => `\nExamples:\n${shown}\n${filled(after, command)}`);
}
