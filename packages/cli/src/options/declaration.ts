import type { Command } from "commander";
import { filled } from "../output/help.js";
import type { Report } from "../output/output.js";

export interface CommandDeclaration {
	readonly name: string;
	/** Another name of the command. */
	readonly alias?: string;
	readonly description: string;
	/**
	 * Adds arguments, options and examples to the command. Returns a function that loads the code of the command.
	 * Returns undefined if the command only groups other commands.
	 */
	readonly declare: (command: Command) => (() => Promise<CommandCode>) | undefined;
	readonly commands?: readonly CommandDeclaration[];
	/** True if the command has --reporter. Then its report has the judged paths with their findings. */
	readonly hasReporters?: boolean;
	/** True for a subcommand that runs if the command line names no subcommand. */
	readonly isDefault?: true;
	/** The systems on which the command and those below it exist, if not on all. */
	readonly systems?: readonly NodeJS.Platform[];
}

/**
 * The code of a command. The function gets the operands in order, and then the options. It returns a report, which the
 * caller prints.
 */
export type CommandCode = (...operands: never[]) => Promise<Report>;

/** Adds the example command lines `lines` below the help of a command, and then the text `after`. */
export function examples(command: Command, lines: readonly string[], after = ""): void {
	const shown = lines.map((line) => `  $ ${line}`).join("\n");
	command.addHelpText("after", () => `\nExamples:\n${shown}\n${filled(after, command)}`);
}
