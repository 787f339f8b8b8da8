import { type CommandDeclaration, examples } from "../../options/declaration.js";

export const NATIVE: CommandDeclaration = {
	name: "native",
	description: "the native parts: launcher, addons and gate",
	systems: ["linux", "darwin"],
	declare(command) {
		examples(command, ["sigtool native build"]);
		return undefined;
	},
	commands: [
		{
			name: "build",
			description: "compile the native parts with the C compiler of this machine, unless prebuilt ones fit",
			declare(command) {
				command.option("--from-source", "compile even where prebuilt parts fit; what is compiled comes first then");
				examples(command, ["sigtool native build", "sigtool native build --from-source"]);
				return async () => (await import("./native.js")).nativeBuild;
			},
		},
	],
};
