/** Makes the completion for fish. */

import { allCommands, defaultOf, namesTakingValues } from "./command-tree.mjs";

/** Returns the text of the script for the commands called `names`. The tree comes from commandTree(). */
export function fishCompletion({ commands: tree, options: before }, names) {
	const [name, ...others] = names;
	const taking = [...new Set(allCommands(tree).flatMap(namesTakingValues))];
	return `# Completes ${names.join(" and ")} in fish. This file is made from the table of commands.
#
# Others may have chosen the names of files, products and keys. fish quotes each word that a command prints, and evaluates
# none of them.

# Prints the words of the command line that are no options and no values of options.
function __sigtool_operands
    set -l words (commandline -opc)
    set -l taking ${taking.join(" ")}
    set -l skip 0
    for word in $words[2..]
        if test $skip -eq 1
            set skip 0
        else if contains -- $word $taking
            set skip 1
        else if not string match -q -- '-*' $word
            echo -- $word
        end
    end
end

# True if these are the names of the command. With run it is true only before the program.
function __sigtool_is
    set -l operands (__sigtool_operands)
    test "$operands[1..$(count $argv)]" = "$argv"; or return 1
    test "$argv" != run; or test (count $operands) -eq 1
end

# True if nothing follows these names but one more name.
function __sigtool_begins
    set -l operands (__sigtool_operands)
    test (count $operands) -eq (count $argv); and test "$operands" = "$argv"
end

# True if the command is the first name, and the next operand is none of the further names.
function __sigtool_omits
    set -l operands (__sigtool_operands)
    test "$operands[1]" = $argv[1]; and not contains -- "$operands[2]" $argv[2..]
end

# Prints what sigtool knows by name on this machine.
function __sigtool_values
    set -l program (string replace -r '.*/' '' -- (commandline -opc)[1])
    contains -- $program sigtool sigtree; or set program ${name}
    command $program complete-values $argv 2>/dev/null
end

# Prints directories, and the files with these endings; all files if none fits. A name with a line break is printed as
# two lines, which are no files. A name that begins with a dash would be read as an option.
function __sigtool_files
    set -l typed (commandline -ct | string replace -r -- '^-[^=]*=' '')
    set -l found
    for path in (complete -C "'' $typed")
        set path (string split -m 1 \\t -- $path)[1]
        string match -q -- '~*' $path; or test -e $path; or continue
        set -a found (string replace -r -- '^-' './-' $path)
    end
    if set -q argv[1]
        set -l fitting (string match -r -- '^.*(?:/|\\.(?:'(string join '|' $argv)'))$' $found)
        set -q fitting[1]; and set found $fitting
    end
    set -q found[1]; and printf '%s\\t\\n' $found
end

complete -c ${name} -e
complete -c ${name} -f
${before.map((option) => optionLine(name, "__sigtool_begins")(option)).join("\n")}
${tree.map((each) => `complete -c ${name} -n '__sigtool_begins' -a ${each.name} -d ${quoted(each.description)}`).join("\n")}
complete -c ${name} -n '__sigtool_begins' -a help -d 'show the help of a command'
complete -c ${name} -n '__sigtool_begins help' -a '${tree.map((each) => each.name).join(" ")}'
${tree
	.flatMap(({ path, commands }) =>
		commands.map((each) => {
			return `complete -c ${name} -n '__sigtool_begins ${path}' -a ${each.name} -d ${quoted(each.description)}`;
		}),
	)
	.join("\n")}
${allCommands(tree)
	.flatMap((command) => [
		...operandLines(name, command, conditionOf(command, tree)),
		...command.options.map(optionLine(name, conditionOf(command, tree))),
	])
	.join("\n")}
# The arguments after a program belong to the program.
complete -c ${name} -n 'string match -q run -- (__sigtool_operands)[1]; and test (count (__sigtool_operands)) -gt 1' -a '(__sigtool_files)'
${others.map((each) => `complete -c ${each} -e\ncomplete -c ${each} -w ${name}\n`).join("")}`;
}

/** The name of a default command may be left out. */
function conditionOf(command, tree) {
	const group = tree.find((each) => defaultOf(each) === command);
	const isNamed = `__sigtool_is ${command.path}`;
	if (group === undefined) return isNamed;
	return `${isNamed}; or __sigtool_omits ${[group.name, ...group.commands.map((each) => each.name)].join(" ")}`;
}

function operandLines(name, { operands }, condition) {
	return operands.slice(0, 1).flatMap(({ completed }) => {
		const found = completed === undefined ? undefined : offered(completed);
		return found === undefined ? [] : [`complete -c ${name} -n '${condition}' ${found}`];
	});
}

function optionLine(name, condition) {
	return ({ names, summary, completed }) => {
		const flags = names.map((each) => (each.startsWith("--") ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`));
		const value = completed === undefined ? "" : ` -r ${offered(completed) ?? "-f"}`;
		return `complete -c ${name} -n '${condition}' ${flags.join(" ")} -d ${quoted(summary)}${value}`;
	};
}

function offered({ kind, words, of, orFiles, endings = [] }) {
	if (kind === "words") return `-f -a '${words.join(" ")}'`;
	if (kind === "values") return `-f -a '(__sigtool_values ${of}${orFiles ? "; __sigtool_files" : ""})'`;
	if (kind === "directories") return "-f -a '(__fish_complete_directories)'";
	if (kind === "nothing") return undefined;
	return `-f -a '(${["__sigtool_files", ...endings].join(" ")})'`;
}

function quoted(text) {
	return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
