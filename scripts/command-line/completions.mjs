/** Makes the completions for all shells. */

import { bashCompletion } from "./bash.mjs";
import { fishCompletion } from "./fish.mjs";
import { powershellCompletion } from "./powershell.mjs";
import { zshCompletion } from "./zsh.mjs";

/** Returns the scripts for the commands called `names`, by the names of their files. */
export function completions(tree, names) {
	return new Map([
		["sigtool.bash", bashCompletion(tree, names)],
		["_sigtool", zshCompletion(tree, names)],
		["sigtool.fish", fishCompletion(tree, names)],
		["sigtool.ps1", powershellCompletion(tree, names)],
	]);
}
