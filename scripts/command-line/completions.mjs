/** Makes the completions for all shells. */

import { bashCompletion } from "./bash.mjs";
import { fishCompletion } from "./fish.mjs";
import { powershellCompletion } from "./powershell.mjs";
import { zshCompletion } from "./zsh.mjs";

/** Returns the scripts for the commands called `names`, by the names of their files. */
export function completions({ commands, ...rest }, names) {
	const tree = { ...rest, commands: commands.flatMap(withAlias) };
	return new Map([
		["sigtool.bash", bashCompletion(tree, names)],
		["_sigtool", zshCompletion(tree, names)],
		["sigtool.fish", fishCompletion(tree, names)],
		["sigtool.ps1", powershellCompletion(tree, names)],
	]);
}

/** For a shell the other name of a command is a command of its own that takes the same. */
function withAlias(command) {
	const { alias, name } = command;
	return alias === undefined
		? [command]
		: [command, { ...command, name: alias, path: alias, description: `the same as ${name}` }];
}
