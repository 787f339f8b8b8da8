import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { INSTALLED_PREFIX } from "../../options/installed-prefix.js";
import { catalogOptions, repeated } from "../../options/options.js";

export const EXPLAIN: CommandDeclaration = {
	name: "explain",
	alias: "why",
	description: "explain an error code, an audit event, a refusal, or whether a file would be trusted and why",
	declare(command) {
		catalogOptions(
			command.argument(
				"<code|event|file>",
				"an error code, the name of an event, an event as JSON, a message, - for standard input, or a file (./NAME if it has the name of a code)",
			),
		)
			.addOption(
				repeated(
					"--log <file>",
					"events in which to look for the file, - for standard input (default: those of the installed launcher)",
				),
			)
			.option("--prefix <dir>", "directory of the installed launcher, whose index is asked too", INSTALLED_PREFIX);
		examples(
			command,
			[
				"sigtool explain ERR_FILE_MODIFIED",
				"sigtool explain module.open_code",
				"sigtool explain ./lib/index.js",
				"sigtool explain ./lib/index.js --catalog release.cat --root ./lib",
				"sigtool why /srv/app/main.js",
				"zcat /var/log/sigtool-rotated/*.gz | sigtool why --log - /srv/app/main.js",
				"journalctl -u app | sigtool why -",
			],
			ABOUT_EXPLAIN,
		);
		return async () => (await import("./explain.js")).explain;
	},
};

const ABOUT_EXPLAIN = `
\`sigtool why\` is the same command. Of several lines the last refusal counts. For a file this says which catalog covers it and
which check decides. Where a launcher is installed, it also says when the file was last refused, what would be decided now, and whether
a program may write there. Whoever can write the events can say anything in them.
`;
