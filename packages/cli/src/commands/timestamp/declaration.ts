import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { timestamps, timestampTrust } from "../../options/options.js";

export const TIMESTAMP: CommandDeclaration = {
	name: "timestamp",
	description: "add a timestamp to a signed catalog, so that it stays valid after its signer's certificate expires",
	declare(command) {
		command
			.argument("<catalog>", "a signed catalog; nothing is changed unless the new timestamp verifies")
			.addOption(timestamps().makeOptionMandatory())
			.addOption(timestampTrust())
			.option("--force", "replace the present timestamp");
		examples(command, [
			"sigtool timestamp lib/lib.cat --timestamp http://tsa.example --tsa-trust tsa-root.crt",
			"sigtool timestamp lib/lib.cat --timestamp https://a.example/tsr --timestamp https://b.example/tsr",
		]);
		return async () => (await import("./timestamp.js")).timestamp;
	},
};
