import { type CommandDeclaration, examples } from "../../options/declaration.js";

export const INSPECT: CommandDeclaration = {
	name: "inspect",
	description: "show the content of a catalog, a trust index, or a file's integrity attributes, verified or not",
	declare(command) {
		command.argument(
			"<file>",
			"a .cat file of any producer, a .sigx file, or any file with attributes of spython, IMA or EVM",
		);
		examples(command, [
			"sigtool inspect ./lib/lib.cat",
			"sigtool inspect driver.cat --json",
			"sigtool inspect app.sigx",
			"sigtool inspect /usr/bin/tool",
		]);
		return async () => (await import("./inspect.js")).inspect;
	},
};
