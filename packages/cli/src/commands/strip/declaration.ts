import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { ATTRIBUTE_FORMATS, formats, namespace } from "../../options/options.js";

export const STRIP: CommandDeclaration = {
	name: "strip",
	description: "remove the extended attributes of spython, IMA and EVM",
	declare(command) {
		command
			.argument("<path...>", "directories or files")
			.addOption(
				formats("what to remove (required); ima, ima-hash and ima-verity are one attribute", ATTRIBUTE_FORMATS),
			)
			.option("--attribute <name>", "another name for spython's attribute")
			.addOption(namespace())
			.option("--all", "list every problem, not only the first 20 of a kind");
		examples(command, ["sigtool strip ./lib --format spython", "sigtool strip ./lib --format ima --format evm"]);
		return async () => (await import("./strip.js")).strip;
	},
};
