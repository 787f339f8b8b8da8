import { Argument } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";

/** A copy of the names in completion.ts. It is copied because that module is not loaded to print help. */
const SHELLS = ["bash", "zsh", "fish", "powershell"];

export const COMPLETION: CommandDeclaration = {
	name: "completion",
	description: "print what makes a shell complete sigtool and sigtree",
	declare(command) {
		command.addArgument(new Argument("<shell>", "the shell that reads it").choices(SHELLS));
		examples(
			command,
			[
				"source <(sigtool completion bash)",
				"source <(sigtool completion zsh)",
				"sigtool completion fish | source",
				"sigtool completion powershell | Out-String | Invoke-Expression",
			],
			ABOUT_COMPLETION,
		);
		return async () => (await import("./completion.js")).completion;
	},
};

const ABOUT_COMPLETION = `
Put the line for your shell into the file that it reads at its start: ~/.bashrc, ~/.zshrc after compinit,
~/.config/fish/config.fish, $PROFILE. The Debian package brings the completions of bash, zsh and fish.
`;
