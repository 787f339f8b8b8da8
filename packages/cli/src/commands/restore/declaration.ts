import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { catalogOptions } from "../../options/options.js";

export const RESTORE: CommandDeclaration = {
	name: "restore",
	description: "write back the IMA and EVM signatures that a signed catalog carries",
	declare(command) {
		catalogOptions(command.argument("<dir>", "signed directory, or one of a signed tree"));
		examples(
			command,
			[
				"sigtool restore ./lib",
				"sigtool restore ./lib --trust ca.crt --product lib",
				"sigtool restore /opt/app --json",
			],
			RESTORING,
		);
		return async () => (await import("./restore.js")).restore;
	},
};

const RESTORING = `
Needs no key: \`sigtool sign --format cat --carry ima\` put the signatures into the catalog. A file that is no longer
what was signed is refused and left as it is. Writing security.ima and security.evm needs root.
`;
