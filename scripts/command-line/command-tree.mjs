/**
 * Reads the commands of the built command line as data, from which the manual pages and the completions are made. So
 * neither can say anything else than `--help`.
 */

import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { completionOf } from "./completed.mjs";

const dist = fileURLToPath(new URL("../../packages/cli/dist", import.meta.url));

/** The width at which the help is wrapped. No line reaches it, because the reader of a manual page wraps the lines anew. */
const UNWRAPPED = 100_000;

/**
 * Returns the `commands`, and the `options` that stand before any command. A command has:
 *
 * - a `path` such as `trust add`, its last word as `name`, and a `description`;
 * - `operands`, each with a `term` and a `description` for people, and with `isRepeated` and `completed`;
 * - `options`, each with a `term` and a `description`, which has choices and default, a `summary` without them, its names
 *   (`--output`, `-o`), `isRepeated`, and `completed` if it takes a value;
 * - an `alias`, if it has another name;
 * - `examples`, the text `after` them, and `commands` of its own. The name of one with `isDefault` may be left out.
 *
 * A member `completed` tells how a value is completed; completed.mjs has the kinds.
 */
export async function commandTree() {
	const { COMMANDS } = await import(pathToFileURL(join(dist, "commands/commands.js")).href);
	// This is the bundle, because the bundler defines names such as that of the version.
	const { buildProgram } = createRequire(import.meta.url)(join(dist, "program.cjs"));
	const declared = (path) => {
		const program = buildProgram(path, [], () => {});
		return path.reduce((command, name) => command.commands.find((each) => each.name() === name), program);
	};
	return {
		options: optionsOf(declared([]), ""),
		commands: COMMANDS.map((each) => describe(each, [], declared)),
	};
}

/** Returns the commands that do something, those below others among them. */
export function allCommands(commands) {
	return commands.flatMap((each) => (each.commands.length > 0 ? allCommands(each.commands) : [each]));
}

/** Returns the command that is meant if none of the commands of a group is named. */
export function defaultOf({ commands }) {
	return commands.find(({ isDefault }) => isDefault);
}

/** Returns the names of the options that take a value. */
export function namesTakingValues({ options }) {
	return options.filter(({ completed }) => completed !== undefined).flatMap(({ names }) => names);
}

function describe({ name, alias, description, isDefault = false, commands = [] }, above, declared) {
	const path = [...above, name];
	const command = declared(path).configureOutput({ getOutHelpWidth: () => UNWRAPPED });
	const isGroup = commands.length > 0;
	return {
		path: path.join(" "),
		name,
		alias,
		description,
		isDefault,
		operands: isGroup
			? [{ term: "<command>", description: "", isRepeated: false }]
			: operandsOf(command, path.join(" ")),
		options: isGroup ? [] : optionsOf(command, path.join(" ")),
		...afterHelp(command),
		commands: commands.map((each) => describe(each, path, declared)),
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
	return help.visibleOptions(command).map((each) => {
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
