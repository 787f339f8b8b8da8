/** Parses the command-line arguments, runs the command, prints its report, and returns the exit status. */

import { COMMAND, quote } from "@sigtool/core/internal/errors";
import { Command, CommanderError, Option } from "commander";
import { COMMANDS } from "./commands/commands.js";
import { type CommandDeclaration, examples } from "./options/declaration.js";
import { expandOperands } from "./options/operands.js";
import { withCloseSuggestion } from "./options/suggestion.js";
import { requireSystem } from "./options/system.js";
import { usageError } from "./options/usage.js";
import { closeNames } from "./output/close-names.js";
import { HELP, helpWidth } from "./output/help.js";
import { endIfInterrupted } from "./output/interruption.js";
import { licences } from "./output/licences.js";
import { printFailureBy, printOutcome } from "./output/outcome.js";
import { type ExitStatus, type OutputOptions, printText, type Report } from "./output/output.js";
import { outputOptionsIn, REPORTERS } from "./output/reporter.js";
import { COLOUR_CHOICES, type ColourChoice, chooseColours } from "./output/terminal.js";
import { VERSION } from "./output/version.js";

/**
 * Runs the command that `argv` names. Does not throw: each failure is printed, as lines or with --json as one JSON
 * document, and becomes the exit status.
 */
export async function run(given: readonly string[]): Promise<ExitStatus> {
	const argv = withoutAlias(given);
	let exit: ExitStatus = 0;
	const complaints: string[] = [];
	const program = buildProgram(argv, complaints, (status) => {
		exit = status;
	});
	try {
		if (isHelpOnUnknown(argv)) throw new CommanderError(1, "help", "");
		await program.parseAsync([...argv], { from: "user" });
		return exit;
	} catch (error) {
		if (error instanceof CommanderError && error.exitCode === 0) return 0;
		const options: OutputOptions = outputOptionsOf(argv);
		if (!isStarting(argv)) chooseColours(colourChoice(argv));
		const names = commandNames(argv);
		if (!(error instanceof CommanderError)) return await printFailureBy(names.join(" "), error, options);
		const complaint = complaints.join("");
		const unknown = topicOfHelp(argv) ?? (isHelpOnUnknown(argv) ? argv[0] : undefined);
		if (complaint.startsWith("Usage:") && unknown === undefined && options.json !== true)
			printText(`${withTypedName(complaint)}\n`, "stderr");
		const failure = usageFailure(complaint, names, unknown, optionsOf(program, names));
		return await printFailureBy(names.join(" "), failure, options);
	}
}

/** Replaces the other name of a command, where it stands first or behind `help`, by its name. */
function withoutAlias(argv: readonly string[]): readonly string[] {
	const at = argv[0] === "help" ? 1 : 0;
	const meant = COMMANDS.find(({ alias }) => alias !== undefined && alias === argv[at]);
	return meant === undefined ? argv : argv.with(at, meant.name);
}

/** Declares the commands. Only those that the arguments name have their options, because to declare them takes time. */
export function buildProgram(
	argv: readonly string[],
	complaints: string[],
	finish: (status: ExitStatus) => void,
): Command {
	const program = new Command(COMMAND)
		.description("Signs sets of files and says exactly what changed since.")
		.version(VERSION, "-V, --version")
		.option("--licences", "print the licences of the bundled software")
		.enablePositionalOptions()
		.configureHelp(HELP)
		.exitOverride()
		.configureOutput({
			writeOut: (text) => printText(withTypedName(text)),
			writeErr: (text) => complaints.push(text),
			getOutHelpWidth: () => helpWidth(1),
			getErrHelpWidth: () => helpWidth(2),
			getOutHasColors: () => false,
			getErrHasColors: () => false,
		});
	program.on("option:licences", () => {
		printText(licences());
		throw new CommanderError(0, "licences", "");
	});
	examples(program, ["sigtool sign ./lib", "sigtool verify ./lib", "sigtool inspect ./lib/lib.cat"], EXITS);
	const given = argv[0] === "help" ? argv.slice(1) : argv;
	const named = COMMANDS.filter(({ name }) => name === given[0]);
	for (const declaration of named.length > 0 ? named : COMMANDS) addCommand(program, declaration, given, finish);
	return program;
}

/** Puts the name that the user typed into a text of the help, which says `sigtool` where it shows a command line. */
function withTypedName(help: string): string {
	return help.replace(/(?<=^|[\s`(|])sigtool(?= )/gm, COMMAND);
}

/**
 * Adds a command to `parent`. If the arguments do not name the command, adds only its name and description, because to
 * declare its options takes time.
 */
function addCommand(
	parent: Command,
	{ name, alias, description, declare, commands = [], systems, hasReporters = false, isDefault }: CommandDeclaration,
	args: readonly string[],
	finish: (status: ExitStatus) => void,
): void {
	const command = parent.command(name, { isDefault: isDefault === true }).description(description);
	if (alias !== undefined) command.alias(alias);
	const rest = args.slice(args.indexOf(name) + 1);
	if (!args.includes(name) && isDefault !== true) return;
	const load = declare(command);
	const named = commands.some((each) => each.name === rest.find((argument) => !argument.startsWith("-")));
	for (const { isDefault, ...declaration } of commands) {
		const inherited = systems ? { ...declaration, systems } : declaration;
		addCommand(command, isDefault && !named ? { ...inherited, isDefault } : inherited, rest, finish);
	}
	if (load === undefined) return;
	command.optionsGroup("Output:").option("--json", "print one JSON document on stdout");
	if (hasReporters) command.addOption(reporterOption());
	command
		.option("-q, --quiet", "print nothing but errors and what failed")
		.option("-v, --verbose", "print more")
		.addOption(new Option("--color <when>", "show colours (default: auto, on terminals)").choices(COLOUR_CHOICES))
		.helpOption("-h, --help", "show this help")
		.action(async (...operands: unknown[]) => {
			const path = commandPath(command);
			const options = command.opts<OutputOptions>();
			// The code of the command gets the same options.
			if (options.reporter === "json") command.setOptionValue("json", true);
			chooseColours(options.color ?? "auto");
			try {
				if (systems !== undefined) requireSystem(path, systems);
				// The type assertion is needed because commander does not type operands.
				const code = (await load()) as (...operands: unknown[]) => Promise<Report>;
				const given = await expandOperands(command.registeredArguments, operands.slice(0, -1));
				finish(await printOutcome(path, await code(...given), options));
			} catch (error) {
				await endIfInterrupted(error);
				finish(await printFailureBy(path, error, options));
			}
		});
}

function reporterOption(): Option {
	const description = "how the outcome is printed (default: text; docs/reference/reporters.md)";
	return new Option("--reporter <format>", description).choices(REPORTERS).conflicts("json");
}

/**
 * Turns commander's message into an error of one line that says how to get help. The message is empty or begins with
 * the help (`Usage:`) if the arguments lack the name of a command.
 */
function usageFailure(
	complaint: string,
	names: readonly string[],
	unknown: string | undefined,
	isKnown: (option: string) => boolean,
): Error {
	const help = `\`${[COMMAND, ...names].join(" ")} --help\``;
	if (complaint === "" || complaint.startsWith("Usage:")) {
		if (unknown === undefined) return usageError(`Name a command; see ${help}`);
		const known = COMMANDS.flatMap(({ name, alias }) => (alias === undefined ? name : [name, alias]));
		const [close] = closeNames(unknown, known);
		const hint = close === undefined ? "" : ` (Did you mean ${close}?)`;
		return usageError(`Unknown command ${quote(unknown)}${hint}; see ${help}`);
	}
	// A PEM text begins with `-`, like an option. It may be a private key, so the message does not repeat it.
	if (complaint.includes("-----BEGIN "))
		return usageError("Cannot use a PEM text as an argument: give the name of a file");
	const whole = complaint
		.replace(/^error: /, "")
		.trim()
		.replace(/\s*\n\s*/g, " ")
		.replace(/\.$/, "");
	const reason = withCloseSuggestion(whole, isKnown);
	return usageError(choiceFailure(reason) ?? `${reason.charAt(0).toUpperCase()}${reason.slice(1)}; see ${help}`);
}

/**
 * Returns a function that returns true for an option that the named command has. Without names, the command is the
 * program itself.
 */
function optionsOf(program: Command, names: readonly string[]): (option: string) => boolean {
	let command: Command | undefined = program;
	for (const name of names) command = command?.commands.find((each) => each.name() === name);
	return (option) => command?.options.some(({ long }) => long === option) === true;
}

/**
 * Returns the message for a wrong choice, such as `Option --links takes record, reject or follow, not "x"` or `Argument
 * <shell> takes bash or zsh, not "x"`. Returns undefined for other complaints.
 */
function choiceFailure(reason: string): string | undefined {
	const match =
		/^(?:option '(?:-\w, )?(--[\w-]+).*' argument '(.*)'|command-argument value '(.*)') is invalid(?: for argument '(\w+)')?\. Allowed choices are (.*)$/s.exec(
			reason,
		);
	if (match === null) return undefined;
	const [, option, value, operand, name, choices] = match;
	const what = option === undefined ? `Argument <${name}>` : `Option ${option}`;
	return `${what} takes ${choices.replace(/, (?=[^,]*$)/, " or ")}, not ${quote(value ?? operand)}`;
}

/**
 * Returns the options about the form of the output in arguments that commander could not parse. The arguments of `run`
 * may belong to the program that it starts.
 */
function outputOptionsOf(argv: readonly string[]): OutputOptions {
	if (isStarting(argv)) return {};
	const { json, reporter } = outputOptionsIn(argv);
	const named = COMMANDS.find(({ name }) => name === argv[0]);
	const meant = named?.commands?.find(({ isDefault }) => isDefault) ?? named;
	return meant?.hasReporters === true ? { json, reporter } : { json };
}

/** The arguments after `run` and `audit` belong to the program that they start. */
function isStarting([command]: readonly string[]): boolean {
	return command === "run" || command === "audit";
}

/** Returns the value of --color in arguments that commander could not parse, or `auto` if there is no valid value. */
function colourChoice(argv: readonly string[]): ColourChoice {
	const given = argv.flatMap((argument, index) => {
		if (argument === "--color") return argv.slice(index + 1, index + 2);
		return argument.startsWith("--color=") ? argument.slice("--color=".length) : [];
	});
	return COLOUR_CHOICES.find((choice) => given.includes(choice)) ?? "auto";
}

/** Returns true for `verfy --help`, to which commander would answer with the help of the program. */
function isHelpOnUnknown([first, ...rest]: readonly string[]): boolean {
	if (first === undefined || first.startsWith("-") || first === "help") return false;
	return COMMANDS.every(({ name }) => name !== first) && rest.some((each) => each === "--help" || each === "-h");
}

/**
 * Returns the argument after `help`, which names a command. Returns undefined if there is no `help`, or nothing after
 * it.
 */
function topicOfHelp(argv: readonly string[]): string | undefined {
	const operands = argv.filter((argument) => !argument.startsWith("-"));
	return operands.includes("help") ? operands[operands.indexOf("help") + 1] : undefined;
}

/** Returns the arguments that name a command, e.g. `identity new`. */
function commandNames(argv: readonly string[]): string[] {
	const [first, second] = argv.filter((argument) => !argument.startsWith("-"));
	const declaration = COMMANDS.find(({ name }) => name === first);
	if (declaration === undefined) return [];
	return declaration.commands?.some(({ name }) => name === second) === true ? [first, second] : [first];
}

function commandPath(command: Command): string {
	const { parent } = command;
	return parent === null || parent.parent === null ? command.name() : `${commandPath(parent)} ${command.name()}`;
}

const EXITS = `
Exit status: 0 trusted or done; 1 verification failed, or the files cannot be signed; 2 usage or configuration;
3 could not decide; 126 \`run\` refused a program; 75 \`run\` could not judge it now; 130 interrupted.
`;
