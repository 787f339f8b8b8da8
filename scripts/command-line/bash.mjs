/** Makes the completion for bash, from 3.2 on. */

import { allCommands, defaultOf, namesTakingValues } from "./command-tree.mjs";

/** Returns the text of the script for the commands called `names`. The tree comes from commandTree(). */
export function bashCompletion({ commands: tree, options: before }, names) {
	const all = allCommands(tree);
	return `# Completes ${names.join(" and ")} in bash. This file is made from the table of commands.
#
# Others may have chosen the names of files, products and keys. So no word is expanded: there is no eval and no compgen -W,
# and each word is quoted before it gets into the command line.

_sigtool() {
	local IFS=$' \\t\\n' current=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} i=2
	local plain quote= taking= option= operand=0 ended= word
	COMPREPLY=()
	compopt +o default 2>/dev/null
	[ "$current" != = ] || current=
	case $current in
	\\'* | \\"*) quote=\${current:0:1} plain=\${current:1} ;;
	*) plain=\${current//\\\\/} ;;
	esac
	if [ "$COMP_CWORD" -eq 1 ]; then
		_sigtool_words ${[...tree.map(({ name }) => name), "help", ...before.map(({ names: [name] }) => name)].join(" ")}
		return
	fi
	case $command in
${[["help", tree], ...tree.filter(({ commands }) => commands.length > 0).map(({ name, commands }) => [name, commands])]
	.map(([name, commands]) => subcommands(name, commands))
	.join("\n")}
	esac
	case $command in
${all.map((each) => `	'${each.path}') taking='${namesTakingValues(each).join(" ")}' ;;`).join("\n")}
	esac
	# The words before the current one tell whether that is the value of an option. bash cuts --option=value into three.
	for (( ; i < COMP_CWORD; i++)); do
		word=\${COMP_WORDS[i]}
		if [ -n "$option" ]; then
			[ "$word" = = ] || option=
		elif [ -n "$ended" ] || [[ $word != -* ]]; then
			operand=$((operand + 1))
			# The arguments after the program belong to the program.
			[ "$command" != run ] || ended=1
		elif [ "$word" = -- ]; then
			ended=1
		else
			case " $taking " in *" $word "*) option=$word ;; esac
		fi
	done
	if [ -n "$option" ]; then
		case "$command $option" in
${optionCases(all).join("\n")}
		esac
	elif [ -z "$ended" ] && [[ $current == -* ]]; then
		case $command in
${all.map((each) => `		'${each.path}') _sigtool_words ${longNames(each)} ;;`).join("\n")}
		esac
	else
		case "$command $operand" in
${all.flatMap(operandCases).join("\n")}
		esac
	fi
}

# Offers each word that begins with what was typed.
_sigtool_words() {
	local value
	for value in "$@"; do _sigtool_offer "$value"; done
}

# Offers what sigtool knows by name on this machine. It is found by the name that was typed, without its directory.
_sigtool_values() {
	local program=\${COMP_WORDS[0]##*/} value description
	case $program in sigtool | sigtree) ;; *) program=${names[0]} ;; esac
	while IFS=$'\\t' read -r value description; do
		_sigtool_offer "$value"
	done < <(command "$program" complete-values "$1" 2>/dev/null)
}

_sigtool_offer() {
	local quoted=$1
	[[ $1 == "$plain"* ]] || return 0
	case $quote in
	'') printf -v quoted %q "$1" ;;
	*) [[ $1 != *[\\'\\"\\\\\\\`\\$\\!]* ]] || return 0 ;;
	esac
	COMPREPLY+=("$quoted")
}

# Offers directories, and the files with these endings; without endings all files.
_sigtool_files() {
	local ending
	# Without this option bash would not quote names. Then its own completion of files is left to do it.
	compopt -o filenames 2>/dev/null || return 0
	[ $# -gt 0 ] || _sigtool_paths -f
	for ending in "$@"; do _sigtool_paths -f -X "!*.$ending"; done
	[ $# -eq 0 ] || _sigtool_paths -d
}

_sigtool_directories() {
	compopt -o filenames 2>/dev/null || return 0
	_sigtool_paths -d
}

# Adds what compgen finds. It prints a name with a line break as two lines, which are no files then. A name that begins
# with a dash would be read as an option.
_sigtool_paths() {
	local path
	while IFS= read -r path; do
		[ -e "\${path/#\\~\\//$HOME/}" ] || continue
		[[ $path != -* ]] || path=./$path
		COMPREPLY+=("$path")
	done < <(compgen "$@" -- "$plain")
}

complete -o default -F _sigtool ${names.join(" ")}
`;
}

/**
 * The second word of a command with commands of its own is one of their names, and is part of the command. If one of them
 * is the default, options and operands may stand in its place.
 */
function subcommands(name, commands) {
	const names = commands.map((each) => each.name);
	const meant = defaultOf({ commands });
	if (meant !== undefined)
		return `	${name})
		[ "$COMP_CWORD" -ne 2 ] || _sigtool_words ${names.join(" ")}
		case \${COMP_WORDS[2]} in
		${names.join(" | ")}) command="$command \${COMP_WORDS[2]}" i=3 ;;
		*) command='${meant.path}' ;;
		esac
		;;`;
	return `	${name})
		if [ "$COMP_CWORD" -eq 2 ]; then
			_sigtool_words ${names.join(" ")}
			return
		fi
		command="$command \${COMP_WORDS[2]}" i=3
		;;`;
}

/** Returns a case for each way in which values are completed. */
function optionCases(all) {
	const byCall = new Map();
	for (const { path, options } of all) {
		for (const { names, completed } of options.filter((each) => each.completed !== undefined)) {
			const call = callFor(completed);
			if (call === "") continue;
			byCall.set(call, [...(byCall.get(call) ?? []), ...names.map((name) => `'${path} ${name}'`)]);
		}
	}
	return [...byCall].map(([call, places]) => `		${places.join(" | ")}) ${call} ;;`);
}

function operandCases({ path, operands }) {
	return operands.flatMap(({ completed, isRepeated }, index) => {
		const call = completed === undefined ? "" : callFor(completed);
		if (call === "") return [];
		return [`		'${path} '${isRepeated ? "*" : index}) ${call} ;;`];
	});
}

function callFor({ kind, words, of, orFiles, endings = [] }) {
	if (kind === "words") return `_sigtool_words ${words.join(" ")}`;
	if (kind === "values") return `_sigtool_values ${of}${orFiles ? "; _sigtool_files" : ""}`;
	if (kind === "directories") return "_sigtool_directories";
	return kind === "files" ? ["_sigtool_files", ...endings].join(" ") : "";
}

function longNames({ options }) {
	return options.map(({ names: [name] }) => name).join(" ");
}
