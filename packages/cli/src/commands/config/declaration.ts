import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { configurationOptions } from "../../options/options.js";

export const CONFIG: CommandDeclaration = {
	name: "config",
	description: "show what the project's configuration says, and where each value comes from",
	declare(command) {
		configurationOptions(command);
		examples(command, ["sigtool config", "sigtool config --json", "sigtool config --config release.config.json"]);
		return async () => (await import("./config.js")).config;
	},
};
