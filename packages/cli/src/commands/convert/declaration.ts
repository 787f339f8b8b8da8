import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { judgementOptions } from "../../options/options.js";

export const CONVERT: CommandDeclaration = {
	name: "convert",
	description: "verify a catalog and write it as a detached CMS signature and its content, or back",
	declare(command) {
		judgementOptions(command.argument("<file>", "a signed catalog, or a detached signature in DER"))
			.requiredOption("-o, --output <file>", "file for the signature, or for the catalog")
			.option(
				"--content <file>",
				"signed content of the detached signature (default when writing one: <output>.content)",
			)
			.option("--force", "replace files that exist");
		examples(command, [
			"sigtool convert lib.cat -o lib.p7",
			"openssl cms -verify -binary -inform DER -in lib.p7 -content lib.p7.content -CAfile ca.crt -purpose any -out list",
			"sigtool convert lib.p7 --content lib.p7.content -o lib.cat",
		]);
		return async () => (await import("./convert.js")).convert;
	},
};
