import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { INSTALLED_PREFIX } from "../../options/installed-prefix.js";

export const DOCTOR: CommandDeclaration = {
	name: "doctor",
	description: "show what this system has for signing and enforcing, and what is missing",
	declare(command) {
		command
			.argument("[path]", "where the files are or will be", ".")
			.option("--prefix <dir>", "directory of the installed launcher, to tell what ends soon", INSTALLED_PREFIX);
		examples(command, ["sigtool doctor", "sigtool doctor /srv/app --json"]);
		return async () => (await import("./doctor.js")).doctor;
	},
};
