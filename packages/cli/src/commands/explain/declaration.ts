import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { INSTALLED_PREFIX } from "../../options/installed-prefix.js";
import { catalogOptions } from "../../options/options.js";

export const EXPLAIN: CommandDeclaration = {
	name: "explain",
	description: "explain an error code, an audit event, or whether a file would be trusted and why",
	declare(command) {
		catalogOptions(
			command.argument(
				"<code|event|file>",
				"an error code, the name of an audit event, or a file (./NAME if it has the name of a code)",
			),
		).option("--prefix <dir>", "directory of the installed launcher, whose index is asked too", INSTALLED_PREFIX);
		examples(
			command,
			[
				"sigtool explain ERR_FILE_MODIFIED",
				"sigtool explain module.open_code",
				"sigtool explain ./lib/index.js",
				"sigtool explain ./lib/index.js --catalog release.cat --root ./lib",
			],
			ABOUT_EXPLAIN,
		);
		return async () => (await import("./explain.js")).explain;
	},
};

const ABOUT_EXPLAIN = `
\`sigtool why\` explains a refusal that happened while a program ran.
`;
