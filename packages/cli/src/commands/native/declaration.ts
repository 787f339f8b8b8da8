import { type CommandDeclaration, examples } from "../../options/declaration.js";

export const NATIVE: CommandDeclaration = {
	name: "native",
	description: "the compiled parts: launcher and addon",
	declare(command) {
		examples(command, ["sigtool native build"]);
		return undefined;
	},
	commands: [
		{
			name: "build",
			description: "compile launcher and addon with the C compiler of this machine",
			declare(command) {
				examples(command, ["sigtool native build"]);
				return async () => (await import("./native.js")).nativeBuild;
			},
		},
	],
};
