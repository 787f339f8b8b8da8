/**
 * Reads the commands of the built command line as data, from which the manual pages and the completions are made. So
 * neither can say anything else than `--help`.
 */

import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { completionOf } from "./completed.mjs";

const cli = fileURLToPath(new URL("../../packages/cli", import.meta.url));

/** The help is wrapped at this width, which no line reaches: the reader of a manual page wraps it anew. */
const UNWRAPPED = 100_000;

/**
 * Returns the commands. A command has:
 *
 * - a `path` such as `trust add`, its last word as `name`, and a `description`;
 * - `operands`, each with a `term` and a `description` for people, and with `isRepeated` and `completed`;
 * - `options`, each with a `term` and a `description`, which has choices and default, a `summary` without them, its names
 *   (`--output`, `-o`), `isRepeated`, and `completed` if it takes a value;
 * - `examples`, the text `after` them, and `commands` of its own.
 *
 * A member `completed` tells how a value is completed; completed.mjs has the kinds.
 */
export async function commandTree() {
	const { Command } = createRequire(join(cli, "package.json"))("commander");
	const built = (file) => import(pathToFileURL(join(cli, "dist", file)).href);
	const { COMMANDS } = await built("commands/commands.js");
	const { COLOUR_CHOICES } = await built("output/terminal.js");
	const common = commonOptions(COLOUR_CHOICES);
	return COMMANDS.map((each) => describe(each, [], Command, common));
}

/** Returns the commands that do something, those below others among them. */
export function allCommands(tree) {
	return tree.flatMap((each) => (each.commands.length > 0 ? allCommands(each.commands) : [each]));
}

/** Returns the names of the options that take a value. */
export function namesTakingValues({ options }) {
	return options.filter(({ completed }) => completed !== undefined).flatMap(({ names }) => names);
}

/** Returns the options that stand before any command. */
export const PROGRAM_OPTIONS = [
	["--help", "show this help"],
	["--version", "print the version"],
	["--licences", "print the licences of the bundled software"],
];

/** Returns the options that program.ts adds to each command that does something. */
function commonOptions(colours) {
	const flag = (term, description) => ({
		term,
		description,
		summary: description,
		names: namesIn(term),
		isRepeated: false,
	});
	return [
		flag("--json", "print one JSON document on stdout"),
		flag("-q, --quiet", "print nothing but errors and what failed"),
		flag("-v, --verbose", "print more"),
		{
			...flag("--color <when>", "show colours: auto, always or never"),
			completed: { kind: "words", words: colours },
		},
		flag("-h, --help", "show this help"),
	];
}

function describe({ name, description, declare, commands = [] }, above, Command, common) {
	const path = [...above, name].join(" ");
	const command = new Command(name).configureOutput({ getOutHelpWidth: () => UNWRAPPED });
	const does = declare(command) !== undefined;
	return {
		path,
		name,
		description,
		operands: does ? operandsOf(command, path) : [{ term: "<command>", description: "", isRepeated: false }],
		options: does ? [...optionsOf(command, path), ...common] : [],
		...afterHelp(command),
		commands: commands.map((each) => describe(each, [...above, name], Command, common)),
	};
}

function operandsOf(command, path) {
	const help = command.createHelp();
	return command.registeredArguments.map((each) => {
		const name = `${each.name()}${each.variadic ? "..." : ""}`;
		return {
			term: each.required ? `<${name}>` : `[${name}]`,
			description: help.argumentDescription(each),
			isRepeated: each.variadic,
			completed: completionOf({ path, value: each.name(), choices: each.argChoices }),
		};
	});
}

function optionsOf(command, path) {
	const help = command.createHelp();
	return command.options
		.filter(({ hidden }) => !hidden)
		.map((each) => {
			const [, value] = /<(.*)>/.exec(each.flags) ?? [];
			return {
				term: each.flags,
				description: help.optionDescription(each),
				summary: each.description,
				names: namesIn(each.flags),
				isRepeated: each.description.endsWith("(repeatable)"),
				...(value !== undefined && {
					completed: completionOf({ path, option: each.long, value, choices: each.argChoices }),
				}),
			};
		});
}

/** Returns the names in a term such as `-o, --output <file>`: the long one first. */
function namesIn(term) {
	return term
		.replace(/[<[].*/, "")
		.split(/[ ,]+/)
		.filter(Boolean)
		.sort((a, b) => b.length - a.length);
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
