import type { Command } from "commander";
import type { Report } from "../output/output.js";

export interface CommandDeclaration {
	readonly name: string;
	readonly description: string;
	/** Adds arguments, options and examples, and says which code runs. Absent for a group of commands. */
	readonly declare: (command: Command) => (() => Promise<CommandCode>) | undefined;
	readonly commands?: readonly CommandDeclaration[];
}

/** What a command runs: operands in their order, then options; what it leaves is printed in one place. */
export type CommandCode = (...operands: never[]) => Promise<Report>;

/** Shown below a command's help. */
export function examples(command: Command, lines: readonly string[], after = ""): void {
	command.addHelpText("after", `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n${after}`);
}
