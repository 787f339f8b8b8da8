import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { catalogOptions, group } from "../../options/options.js";

export const RESTORE: CommandDeclaration = {
	name: "restore",
	description: "write back the IMA and EVM signatures that a signed catalog carries",
	declare(command) {
		catalogOptions(command.argument("<dir>", "signed directory, or a directory of a signed tree")).option(
			"--all",
			"list every file that is not restored, not only the first 20 of a kind",
		);
		group(command, { Output: ["all"] });
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
Needs no key: the catalog contains the signatures, from \`sigtool sign --format cat --carry ima\`. A file that was
changed since is refused and stays unchanged. Writing security.ima and security.evm needs root.
`;
