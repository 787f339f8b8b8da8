import { type CommandDeclaration, examples } from "../../options/declaration.js";

export const NATIVE: CommandDeclaration = {
	name: "native",
	description: "the compiled parts: launcher, addon and gate",
	system: "linux",
	declare(command) {
		examples(command, ["sigtool native build"]);
		return undefined;
	},
	commands: [
		{
			name: "build",
			description: "compile launcher, addon and gate with the C compiler of this machine",
			declare(command) {
				examples(command, ["sigtool native build"]);
				return async () => (await import("./native.js")).nativeBuild;
			},
		},
	],
};
