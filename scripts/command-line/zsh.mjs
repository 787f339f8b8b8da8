/** Makes the completion for zsh: a function that can be found by compinit, or be sourced. */

import { defaultOf } from "./command-tree.mjs";

/** Returns the text of the script for the commands called `names`. The tree comes from commandTree(). */
export function zshCompletion({ commands: tree, options: before }, names) {
	const list = (commands) => commands.map(({ name, description }) => `		${quoted(`${name}:${colons(description)}`)}`);
	return `#compdef ${names.join(" ")}
# Completes ${names.join(" and ")} in zsh. This file is made from the table of commands.
#
# Others may have chosen the names of files, products and keys. compadd quotes each word, and nothing is evaluated.

_sigtool() {
	local curcontext=$curcontext state line ret=1
	local program=\${words[1]:t}
	local -A opt_args
	local -a commands=(
${[...list(tree), "\t\t'help:show the help of a command'"].join("\n")}
	)
	[[ $program == (sigtool|sigtree) ]] || program=${names[0]}
	_arguments -C ${before.map(({ names: [name], summary }) => quoted(`(- *)${name}[${brackets(summary)}]`)).join(" ")} \\
		'1:command:->command' '*::argument:->arguments' && ret=0
	case $state in
	command) _describe -t commands command commands && ret=0 ;;
	arguments)
		curcontext=\${curcontext%:*:*}:sigtool-$words[1]:
		case $words[1] in
		help) _arguments '1:command:->command' && ret=0
			[[ $state != command ]] || { _describe -t commands command commands && ret=0 } ;;
${tree.map((command) => (command.commands.length > 0 ? group(command, list) : `		${command.name}) ${call(command)} && ret=0 ;;`)).join("\n")}
		esac
		;;
	esac
	return ret
}

# Offers what sigtool knows by name on this machine, of the kind that the last argument names.
_sigtool_values() {
	local -a found values shown
	local each
	found=("\${(@f)$(command $program complete-values $argv[-1] 2>/dev/null)}")
	for each in $found; do
		values+=("\${each%%$'\\t'*}")
		shown+=("\${each/$'\\t'/  -- }")
	done
	compadd "\${@[1,-2]}" -l -d shown -a values
}

# Offers the same names, and files.
_sigtool_values_or_files() {
	local ret=1
	_sigtool_values "$@" && ret=0
	_sigtool_files "\${@[1,-2]}" && ret=0
	return ret
}

# A name that begins with a dash would be read as an option. After ./ it is offered.
_sigtool_files() {
	_files -F '(-*)' "$@"
}

if [[ \${funcstack[1]} == _${names[0]} || \${funcstack[1]} == _sigtool ]]; then
	_sigtool "$@"
else
	compdef _sigtool ${names.join(" ")}
fi
`;
}

function group({ name, commands }, list) {
	const meant = defaultOf({ commands });
	const cases = commands.map((each) => `				${each.name}) ${call(each)} && ret=0 ;;`).join("\n");
	return `		${name})
			local -a below=(
${list(commands)
	.map((line) => `\t\t${line}`)
	.join("\n")}
			)
${meant === undefined ? afterName(cases) : afterNameOrWithout(cases, commands, meant)}
			;;`;
}

function afterName(cases) {
	return `			_arguments -C '1:command:->command' '*::argument:->arguments' && ret=0
			case $state in
			command) _describe -t commands command below && ret=0 ;;
			arguments)
				case $words[1] in
${cases}
				esac
				;;
			esac`;
}

/** Options and operands of the default command may stand in the place of its name. */
function afterNameOrWithout(cases, commands, meant) {
	return `			if (( CURRENT > 2 )) && [[ $words[2] == (${commands.map((each) => each.name).join("|")}) ]]; then
				_arguments -C '1:command:->command' '*::argument:->arguments' && ret=0
				case $words[1] in
${cases}
				esac
			else
				(( CURRENT > 2 )) || [[ $words[2] == -* ]] || { _describe -t commands command below && ret=0 }
				${call(meant)} && ret=0
			fi`;
}

function call({ path, options, operands }) {
	const specs = [...options.flatMap(optionSpecs), ...operands.map(operandSpec(path))];
	return ["_arguments -s -S", ...specs.map(quoted)].join(" ");
}

/** An option stands in one specification for each of its names, and each name excludes the others. */
function optionSpecs({ names, summary, isRepeated, completed }) {
	const before = isRepeated ? "*" : names.length > 1 ? `(${names.join(" ")})` : "";
	return names.map((name) => {
		const value = completed === undefined ? "" : name.startsWith("--") ? "=" : "+";
		const rest = completed === undefined ? "" : `:${name.replace(/^-+/, "")}:${action(completed)}`;
		return `${before}${name}${value}[${brackets(summary)}]${rest}`;
	});
}

function operandSpec(path) {
	return ({ term, isRepeated, completed }, index) => {
		const name = term.replace(/[<>[\].]/g, "").replaceAll("|", " or ");
		// The arguments after the program belong to the program, so no option of ours is offered there.
		if (path === "run") return isRepeated ? `*::${name}:_sigtool_files` : `(-)${index + 1}:${name}:_sigtool_files`;
		return `${isRepeated ? "*" : index + 1}:${name}:${action(completed)}`;
	};
}

function action({ kind, words, of, orFiles, endings = [] }) {
	if (kind === "words") return `(${words.join(" ")})`;
	if (kind === "values") return `_sigtool_values${orFiles ? "_or_files" : ""} ${of}`;
	if (kind === "directories") return "_sigtool_files -/";
	if (kind === "nothing") return " ";
	return endings.length === 0 ? "_sigtool_files" : `_sigtool_files -g "*.(${endings.join("|")})(-.)"`;
}

function colons(text) {
	return text.replaceAll("\\", "\\\\").replaceAll(":", "\\:");
}

function brackets(text) {
	return text.replace(/[\\[\]:]/g, "\\$&");
}

function quoted(text) {
	return `'${text.replaceAll("'", "'\\''")}'`;
}
