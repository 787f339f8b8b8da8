/** Makes the completion for PowerShell, from 5.1 on. */

import { allCommands, defaultOf } from "./command-tree.mjs";

/** Returns the text of the script for the commands called `names`. The tree comes from commandTree(). */
export function powershellCompletion({ commands: tree, options: before }, names) {
	const programWords = [
		...tree.map(({ name, description }) => [name, description]),
		["help", "show the help of a command"],
		...before.map(({ names: [name], summary }) => [name, summary]),
	];
	const groups = [
		["", programWords],
		["help", tree.map(({ name, description }) => [name, description])],
	];
	for (const { name, commands } of tree)
		if (commands.length > 0) groups.push([name, commands.map((each) => [each.name, each.description])]);
	return `# Completes ${names.join(" and ")} in PowerShell. This file is made from the table of commands.
#
# Others may have chosen the names of products and keys. So nothing is evaluated, and each word that is no plain name is
# put between single quotes. PowerShell itself completes files.

Register-ArgumentCompleter -Native -CommandName ${names.map(quoted).join(", ")} -ScriptBlock {
	param($wordToComplete, $commandAst, $cursorPosition)

	# The words that may follow the name of a group of commands.
	$below = @{
${groups.map(([name, words]) => `		${quoted(name)} = ${table(words, "\t\t")}`).join("\n")}
	}
	# The commands that are meant if none below these names is named.
	$defaults = @{
${tree
	.flatMap((each) => {
		const meant = defaultOf(each);
		return meant === undefined ? [] : [`		${quoted(each.name)} = ${quoted(meant.path)}`];
	})
	.join("\n")}
	}
	# The options of each command.
	$options = @{
${allCommands(tree)
	.map(({ path, options }) => {
		const words = options.map(({ names: [name], summary }) => [name, summary]);
		return `		${quoted(path)} = ${table(words, "\t\t")}`;
	})
	.join("\n")}
	}
	# The value of an option, or an operand, is one of these words, or of the values of a kind that begins with a colon.
	# For an empty list PowerShell completes files.
	$taken = @{
${allCommands(tree).flatMap(takenOf).join("\n")}
	}

	function Complete-Word($word, $description) {
		$text = $word
		if ($word -notmatch '^[A-Za-z0-9._/=-]+$') {
			$text = "'" + [System.Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($word) + "'"
		}
		if ([string]::IsNullOrEmpty($description)) { $description = $word }
		[System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $description)
	}

	# The text between quotation marks, as far as it was typed. The name of the program is taken without its directory.
	$typed = $wordToComplete -replace '^[''"]', ''
	$words = @($commandAst.CommandElements |
		Where-Object { $_.Extent.EndOffset -lt $cursorPosition -or $_.Extent.Text -ne $wordToComplete } |
		Select-Object -Skip 1 | ForEach-Object { $_.Extent.Text })
	$program = [System.IO.Path]::GetFileNameWithoutExtension($commandAst.CommandElements[0].Extent.Text)
	if ($program -cnotmatch '^(sigtool|sigtree)$') { $program = ${quoted(names[0])} }

	$command = ''
	$first = 0
	while ($below.ContainsKey($command) -and $first -lt $words.Count -and $words[$first] -notlike '-*') {
		if ($defaults.ContainsKey($command) -and -not $below[$command].Contains($words[$first])) { break }
		$command = ($command + ' ' + $words[$first]).Trim()
		$first++
	}
	if ($below.ContainsKey($command)) {
		if ($words.Count -le $first) {
			foreach ($word in $below[$command].Keys) {
				if ($word.StartsWith($typed, [System.StringComparison]::Ordinal)) { Complete-Word $word $below[$command][$word] }
			}
		}
		if (-not $defaults.ContainsKey($command)) { return }
		$command = $defaults[$command]
	}

	$option = ''
	if ($words.Count -gt $first -and $words[-1] -like '-*' -and $taken.ContainsKey($command + ' ' + $words[-1])) {
		$option = $words[-1]
	} elseif ($typed -like '-*' -and $options.ContainsKey($command)) {
		foreach ($word in $options[$command].Keys) {
			if ($word.StartsWith($typed, [System.StringComparison]::Ordinal)) { Complete-Word $word $options[$command][$word] }
		}
		return
	}
	$place = ($command + ' ' + $option).Trim()
	foreach ($each in @($taken[$place])) {
		if ([string]::IsNullOrEmpty($each)) { continue }
		if (-not $each.StartsWith(':')) {
			if ($each.StartsWith($typed, [System.StringComparison]::Ordinal)) { Complete-Word $each '' }
			continue
		}
		& (Get-Command $program -CommandType Application -ErrorAction Stop | Select-Object -First 1) complete-values $each.Substring(1) 2>$null |
			ForEach-Object {
				$value, $description = $_ -split "\`t", 2
				if ($value.StartsWith($typed, [System.StringComparison]::Ordinal)) { Complete-Word $value $description }
			}
	}
}
`;
}

/** Returns lines for what is known of the values of options, and of the first operand. */
function takenOf({ path, options, operands }) {
	const known = options
		.filter(({ completed }) => completed !== undefined)
		.flatMap(({ names, completed }) => names.map((name) => [`${path} ${name}`, completed]));
	const [operand] = operands;
	if (operand?.completed !== undefined) known.push([path, operand.completed]);
	return known.flatMap(([place, { kind, words, of }]) => {
		const list = kind === "words" ? words : kind === "values" ? [`:${of}`] : [];
		return [`		${quoted(place)} = @(${list.map(quoted).join(", ")})`];
	});
}

function table(words, indent) {
	const lines = words.map(([word, description]) => `${indent}	${quoted(word)} = ${quoted(description)}`);
	return `[ordered]@{\n${lines.join("\n")}\n${indent}}`;
}

function quoted(text) {
	return `'${text.replace(/['‘’‚‛]/g, "$&$&")}'`;
}
