import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { INSTALLED_PREFIX } from "../../options/installed-prefix.js";
import { repeated } from "../../options/options.js";

export const WHY: CommandDeclaration = {
	name: "why",
	description: "say why something was refused, and how to mend it",
	declare(command) {
		command
			.argument(
				"<event|code|path>",
				"an event as JSON, a message, - for standard input, an error code, or the path of a file",
			)
			.addOption(
				repeated(
					"--log <file>",
					"events in which to look for the file, - for standard input (default: those of the installed launcher)",
				),
			)
			.option("--prefix <dir>", "directory of the installed launcher", INSTALLED_PREFIX);
		examples(
			command,
			[
				"sigtool why /srv/app/main.js",
				"zcat /var/log/sigtool-rotated/*.gz | sigtool why --log - /srv/app/main.js",
				"journalctl -u app | sigtool why -",
			],
			ABOUT_WHY,
		);
		return async () => (await import("./why.js")).why;
	},
};

const ABOUT_WHY = `
Of several lines the last refusal counts. For a file this also says what would be decided now, by the index and the
configuration of the installed launcher, and whether a program may write there. Whoever can write the events can say anything in them.
`;
