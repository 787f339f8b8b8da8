import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { choice } from "../../options/options.js";

export const LAUNCHER: CommandDeclaration = {
	name: "launcher",
	description: "the program that starts Node.js and Python for production, and its settings",
	declare(command) {
		examples(command, ["sigtool launcher install", "sigtool launcher check"]);
		return undefined;
	},
	commands: [
		{
			name: "install",
			description: "put launcher, hook and settings into a directory that only root can write",
			declare(command) {
				command
					.option("--prefix <dir>", "the directory", INSTALLED_PREFIX)
					.option("--node <path>", "the Node.js to start (default: this one)")
					.option("--no-node", "start no Node.js, with --python")
					.option("--python <spython>", "the spython to start scripts in Python with; it is copied")
					.option("--index <file>", "trust index to hand over", "/etc/sigtool/app.sigx")
					.option("--config <file>", "host configuration; made when there is none", "/etc/sigtool/verifier.json")
					.addOption(choice("--mode <mode>", "the weakest it may run in", ["enforce", "strict", "audit", "off"]))
					.option("--allow-development", "let --allow-development count files of its user");
				examples(command, [
					"sudo sigtool launcher install",
					"sudo sigtool launcher install --node /usr/bin/node --index /srv/app.sigx --mode strict",
					"sudo sigtool launcher install --no-node --python ./spython",
				]);
				return async () => (await import("./launcher.js")).launcherInstall;
			},
		},
		{
			name: "check",
			description: "audit an installed launcher: owners, modes, digests, pins, versions",
			declare(command) {
				command.option("--prefix <dir>", "where it is installed", INSTALLED_PREFIX);
				examples(command, ["sigtool launcher check", "sigtool launcher check --json | jq .findings"]);
				return async () => (await import("./launcher.js")).launcherCheck;
			},
		},
	],
};

const INSTALLED_PREFIX = "/usr/lib/sigtool";
