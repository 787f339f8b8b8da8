import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { repeated } from "../../options/options.js";

export const PYTHON: CommandDeclaration = {
	name: "python",
	description: "spython: CPython that runs only signed code",
	systems: ["linux"],
	declare(command) {
		examples(command, ["sigtool python build --allow-development", "sigtool python gaps"]);
		return undefined;
	},
	commands: [
		{
			name: "build",
			description: "compile a spython for a CPython of this machine; needs a C compiler",
			declare(command) {
				command
					.option("--python <program>", "CPython to compile it for", "python3")
					.addOption(
						repeated(
							"--trust <pem|pin>",
							"who may sign on hosts without a host configuration: certificates, or SHA-256 of public keys",
						),
					)
					.option("-o, --output <file>", "file for the spython (default: where `sigtool run` looks)")
					.option("--allow-development", "trust a development identity; without --trust, this machine's own");
				examples(command, [
					"sigtool python build --allow-development",
					"sigtool python build --python /usr/bin/python3.13 -o spython",
					"sigtool python build --python /usr/bin/python3.13 --trust release.crt -o spython",
				]);
				return async () => (await import("./python.js")).pythonBuild;
			},
		},
		{
			name: "gaps",
			description: "try ways to run unsigned code, and show which are closed, logged or open",
			declare(command) {
				command.option("--spython <file>", "spython to try (default: where `sigtool run` looks)");
				examples(command, ["sigtool python gaps", "sigtool python gaps --spython ./spython --json | jq .gaps"]);
				return async () => (await import("./python.js")).pythonGaps;
			},
		},
	],
};
