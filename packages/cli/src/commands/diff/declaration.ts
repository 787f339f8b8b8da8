import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { choice, group, noDevelopment, repeated, timestampTrust } from "../../options/options.js";

export const DIFF: CommandDeclaration = {
	name: "diff",
	description: "show what differs between two catalogs or trees, verified or not",
	hasReporters: true,
	declare(command) {
		command
			.argument("<before>", "a catalog or a directory")
			.argument("<after>", "another one")
			.addOption(repeated("--trust <pem|pin>", "trust these certificates or public keys instead of the trust store"))
			.addOption(timestampTrust())
			.option("--at <time>", "judge certificates at this time, e.g. 2026-01-31T12:00:00Z")
			.addOption(
				choice("--profile <name>", "what counts as evidence; windows-legacy also accepts SHA-1 and short RSA keys", [
					"default",
					"windows-legacy",
				]),
			)
			.addOption(noDevelopment("trust no development identity"))
			.option("--all", "list every difference, not only the first 20 of a kind");
		group(command, { Trust: ["trust", "tsaTrust", "at", "profile", "development"], Output: ["all"] });
		examples(
			command,
			["sigtool diff last/app.cat app.cat", "sigtool diff app.cat ./app", "sigtool diff ./app-1.0 ./app-1.1 --json"],
			ABOUT_DIFF,
		);
		return async () => (await import("./diff.js")).diff;
	},
};

const ABOUT_DIFF = `
The signatures of catalogs are verified; the content of one that nobody trusted signed is shown all the same, and the report says
so. A tree is compared as it is now, against a catalog by the catalog's rules.
Exit status: 0 equal; 1 different; 2 usage; 3 an entry cannot be read.
`;
