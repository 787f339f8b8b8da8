/** Makes the manual pages in the language of man(7): one for the command line, and one for each command. */

/**
 * Returns the texts of the pages by their file names. `tree` comes from commandTree(). A page has no date, so that each
 * build of a version makes the same pages.
 */
export function manPages({ commands: tree, options }, version) {
	const head = (title) => `.TH ${title.toUpperCase()} 1 "" "sigtool ${version}" "User Commands"\n`;
	const pages = new Map([["sigtree.1", head("sigtree") + overview(tree, options)]]);
	for (const command of tree) {
		const text = head(`sigtool-${command.name}`) + page(command);
		for (const name of [command.name, command.alias].filter(Boolean)) pages.set(`sigtool-${name}.1`, text);
	}
	return pages;
}

function overview(tree, options) {
	return [
		section("NAME", "sigtree, sigtool \\- sign sets of files and say exactly what changed since"),
		section("SYNOPSIS", ".B sigtree\n.I command\n[\n.I option ...\n]"),
		section("DESCRIPTION", OVERVIEW.map(escaped).join("\n.PP\n")),
		section(
			"COMMANDS",
			tree
				.flatMap(({ name, alias, description }) => [
					item(`\\fB${name}\\fR`, `${escaped(description)}.\nSee\n.BR sigtool\\-${name} (1).`),
					...(alias === undefined
						? []
						: [item(`\\fB${alias}\\fR`, `the same as ${name}.\nSee\n.BR sigtool\\-${alias} (1).`)]),
				])
				.join(""),
		),
		...details({ operands: [], options, examples: [], after: "" }, ".SH"),
		section("EXIT STATUS", EXITS.map(([status, meaning]) => item(`\\fB${status}\\fR`, escaped(meaning))).join("")),
		section("FILES", FILES.map(([file, meaning]) => item(`\\fI${escaped(file)}\\fR`, escaped(meaning))).join("")),
		section("SEE ALSO", `${tree.map(({ name }) => `.BR sigtool\\-${name} (1)`).join(",\n")}`),
	].join("");
}

const OVERVIEW = [
	"sigtool signs a whole tree of files into one Windows catalog. Later it tells exactly which files changed. It can also make Node.js and Python run only what was signed.",
	"The command has two names. ClamAV and a program in Go have a command called sigtool as well. Where one of them is installed, type sigtree. The manual pages write sigtool.",
];

const EXITS = [
	[0, "trusted or done"],
	[1, "verification failed, or the files cannot be signed"],
	[2, "usage or configuration"],
	[3, "could not decide"],
	[126, "`run` refused a program"],
	[75, "`run` could not judge a program now"],
	[130, "interrupted"],
];

const FILES = [
	[
		"/etc/sigtool/verifier.json",
		"whom this host trusts, read by what enforces; verifier.json.example beside it explains each member",
	],
	["~/.config/sigtool", "the trust store and the identities of a user"],
];

function page(command) {
	const names = [command.name, command.alias].filter(Boolean).map((each) => `sigtool\\-${each}`);
	return [
		section("NAME", `${names.join(", ")} \\- ${escaped(command.description)}`),
		section("SYNOPSIS", synopses(command).join("\n.br\n")),
		...details(command, ".SH"),
		...command.commands.flatMap((each) => [
			`.SH ${escaped(`sigtool ${each.path}`).toUpperCase()}\n${sentence(each.description)}\n`,
			...details(each, ".SS"),
		]),
		section("SEE ALSO", ".BR sigtree (1)"),
	].join("");
}

function synopses(command) {
	const all = command.commands.length === 0 ? [command] : command.commands;
	return all.map(({ path, operands, options }) => {
		const words = [`\\fBsigtool ${escaped(path)}\\fR`, ...(options.length > 0 ? ["[\\fIoption ...\\fR]"] : [])];
		return [...words, ...operands.map(({ term }) => `\\fI${escaped(term)}\\fR`)].join(" ");
	});
}

function details({ operands, options, examples, after }, heading) {
	const list = (all) =>
		all.map(({ term, description }) => item(`\\fB${escaped(term)}\\fR`, escaped(description))).join("");
	const part = (title, text) => (text === "" ? [] : [`${heading} ${title}\n${text.trimEnd()}\n`]);
	return [
		...part("OPERANDS", list(operands.filter(({ description }) => description !== ""))),
		...part("OPTIONS", list(options)),
		...part("EXAMPLES", examples.map((line) => `.PP\n.EX\n${escaped(line)}\n.EE`).join("\n")),
		...part(
			"NOTES",
			after === ""
				? ""
				: after
						.split(/\n{2,}/)
						.map((text) => escaped(text.replaceAll("\n", " ")))
						.join("\n.PP\n"),
		),
	];
}

function section(title, text) {
	return `.SH ${title}\n${text.trimEnd()}\n`;
}

function item(term, text) {
	return `.TP\n${term}\n${text}\n`;
}

function sentence(text) {
	return `${escaped(text.charAt(0).toUpperCase() + text.slice(1))}.`;
}

/** Escapes what man(7) would read as a request, a dash or a quotation mark. groff_man_style(7), "Portability" */
function escaped(text) {
	return text
		.replaceAll("\\", "\\e")
		.replaceAll("-", "\\-")
		.replaceAll("'", "\\(aq")
		.replaceAll("`", "\\(ga")
		.replaceAll("^", "\\(ha")
		.replaceAll("~", "\\(ti")
		.replace(/[^\t\n -~]/gu, (each) => `\\[u${each.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`)
		.replace(/^\./gm, "\\&.");
}
