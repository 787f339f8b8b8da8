/**
 * Reads the commands of the built command line as data, from which the manual pages and the completion are made. So
 * neither can say anything else than `--help`.
 */

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./workspace.mjs";

/** The help is wrapped at this width, which no line reaches: the reader of a manual page wraps it anew. */
const UNWRAPPED = 100_000;

/** The options that program.ts adds to each command that does something. */
const COMMON = [
	["--json", "print one JSON document on stdout"],
	["-q, --quiet", "print nothing but errors and what failed"],
	["-v, --verbose", "print more"],
	["--color <when>", "show colours: auto, always or never"],
	["-h, --help", "show this help"],
];

/**
 * Returns the commands. A command has a `path` such as `trust add`, a `description`, `operands` and `options` as
 * pairs of a term and its description, `examples`, the text `after` them, and `commands`.
 */
export async function commandTree() {
	const cli = join(root, "packages/cli");
	const { Command } = createRequire(join(cli, "package.json"))("commander");
	const { COMMANDS } = await import(pathToFileURL(join(cli, "dist/commands/commands.js")).href);
	return COMMANDS.map((declaration) => describe(declaration, [], Command));
}

function describe({ name, description, declare, commands = [] }, above, Command) {
	const path = [...above, name];
	const command = new Command(name).configureOutput({ getOutHelpWidth: () => UNWRAPPED });
	const does = declare(command) !== undefined;
	const help = command.createHelp();
	const operands = command.registeredArguments.map((each) => [nameOfArgument(each), help.argumentDescription(each)]);
	return {
		path: path.join(" "),
		name,
		description,
		operands: does ? operands : [["<command>", ""]],
		options: does ? [...optionsOf(command, help), ...COMMON] : [],
		...afterHelp(command),
		commands: commands.map((each) => describe(each, path, Command)),
	};
}

function nameOfArgument(argument) {
	const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
	return argument.required ? `<${name}>` : `[${name}]`;
}

function optionsOf(command, help) {
	return command.options.filter(({ hidden }) => !hidden).map((each) => [each.flags, help.optionDescription(each)]);
}

/** Takes the text that follows the help apart: the examples, and the rest. */
function afterHelp(command) {
	let text = "";
	command.emit("afterHelp", {
		error: false,
		command,
		write: (more) => {
			text += more;
		},
	});
	const [, lines = "", after = ""] = /^\n?Examples:\n((?: {2}\$ .*\n?)*)([\s\S]*)$/.exec(text) ?? [];
	return { examples: lines.split("\n").flatMap((line) => line.trim().replace(/^\$ /, "") || []), after: after.trim() };
}
