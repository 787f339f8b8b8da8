/** Makes the completion for bash, a script without any start of sigtool: it knows all commands, options and choices. */

/** Returns the text of the script. `tree` comes from commandTree(). */
export function bashCompletion(tree) {
	const all = tree.flatMap((command) => [command, ...command.commands]);
	return `# Completes sigtool and sigtree in bash. \`pnpm release\` makes this file from the table of commands.

_sigtool() {
	local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} words=
	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		words='${[...tree.map(({ name }) => name), "help", "--help", "--version"].join(" ")}'
		COMPREPLY=($(compgen -W "$words" -- "$current"))
		return
	fi
	case $command in
${tree
	.filter(({ commands }) => commands.length > 0)
	.map(subcommands)
	.join("\n")}
	esac
	case "$command $previous" in
${all.flatMap(choices).join("\n")}
	esac
	case $current in
	-*)
		case $command in
${all.map(({ path, options }) => `\t\t'${path}') words='${flagsOf(options)}' ;;`).join("\n")}
		esac
		;;
	esac
	if [ -n "$words" ]; then
		COMPREPLY=($(compgen -W "$words" -- "$current"))
	else
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$current"))
	fi
}
complete -F _sigtool sigtool sigtree
`;
}

/** The second word of a command with commands of its own is one of their names, or is part of the command. */
function subcommands({ name, commands }) {
	return `	${name})
		if [ "$COMP_CWORD" -eq 2 ]; then
			COMPREPLY=($(compgen -W '${commands.map((each) => each.name).join(" ")}' -- "$current"))
			return
		fi
		command="$command \${COMP_WORDS[2]}"
		;;`;
}

/** An option with choices is followed by one of them. */
function choices({ path, options }) {
	return options.flatMap(([flags, description]) => {
		const [, list] = /choices: ((?:"[^"]*"(?:, )?)+)/.exec(description) ?? [];
		if (list === undefined) return [];
		const values = [...list.matchAll(/"([^"]*)"/g)].map(([, value]) => value).join(" ");
		const option = /--[\w-]+/.exec(flags)[0];
		return [`	'${path} ${option}') words='${values}' ;;`];
	});
}

function flagsOf(options) {
	return options
		.flatMap(([flags]) => flags.match(/--?[\w-]+/g) ?? [])
		.filter((flag) => flag.startsWith("--"))
		.join(" ");
}
