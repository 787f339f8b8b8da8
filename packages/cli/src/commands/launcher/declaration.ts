import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { INSTALLED_PREFIX } from "../../options/installed-prefix.js";
import { repeated } from "../../options/options.js";

export const LAUNCHER: CommandDeclaration = {
	name: "launcher",
	description: "the program that starts Node.js and Python in production, and its configuration",
	systems: ["linux"],
	declare(command) {
		examples(command, ["sigtool launcher install", "sigtool launcher check", "sigtool launcher status"]);
		return undefined;
	},
	commands: [
		{
			name: "install",
			description: "install launcher, hook and configuration into a directory that only root can write to",
			declare(command) {
				command
					.option("--prefix <dir>", "directory to install into", INSTALLED_PREFIX)
					.option("--node <path>", "Node.js to start (default: as installed, else the one that runs sigtool)")
					.option("--no-node", "do not start Node.js; needs --python")
					.option("--python <spython>", "spython to run Python scripts with; it is copied (default: as installed)")
					.option("--no-python", "do not start Python any more")
					.addOption(
						repeated(
							"--node-next <file|sha256>",
							"accept this Node.js too, which an upgrade will put in the same place",
						),
					)
					.addOption(
						repeated(
							"--python-next <file|sha256>",
							"accept this Python too, which an upgrade will put in the same place",
						),
					)
					.option("--index <file>", "trust index for the programs (default: as installed, else /etc/sigtool/app.sigx)")
					.option(
						"--config <file>",
						"host configuration; made if it is missing (default: as installed, else /etc/sigtool/verifier.json)",
					)
					.addOption(
						new Option(
							"--mode <mode>",
							"weakest mode that a program may run in (default: as installed, else enforce)",
						).choices(["enforce", "strict", "audit", "off"]),
					)
					.option("--allow-development", "let the launcher's --allow-development accept files of its user")
					.option("--no-allow-development", "refuse that again")
					.option("--check", "write nothing; exit with 1 if an installation would change something");
				examples(
					command,
					[
						"sudo sigtool launcher install",
						"sudo sigtool launcher install --node /usr/bin/node --index /srv/app.sigx --mode strict",
						"sudo sigtool launcher install --no-node --python ./spython",
						"sudo sigtool launcher install --node /usr/bin/node --node-next ./unpacked/usr/bin/node",
						"sigtool launcher install --check --json | jq .changes",
					],
					INSTALL_HELP,
				);
				return async () => (await import("./launcher.js")).launcherInstall;
			},
		},
		{
			name: "share",
			description: "let all processes share one copy of an index; `install` does it for its index",
			declare(command) {
				command
					.argument("[index...]", "trust indexes, such as that of the next release (default: the launcher's)")
					.option("--prefix <dir>", "directory of the installed launcher", INSTALLED_PREFIX);
				examples(command, ["sudo sigtool launcher share", "sudo sigtool launcher share /srv/rel/2/app.sigx"]);
				return async () => (await import("./launcher-share.js")).launcherShare;
			},
		},
		{
			name: "check",
			description:
				"audit an installed launcher: owners, modes, digests, pins, versions, and what services' users may do",
			declare(command) {
				command
					.option("--prefix <dir>", "directory of the installed launcher", INSTALLED_PREFIX)
					.option(
						"--user <name>",
						"user of a service, or its number, as whom it tries what a start needs (default: those of running processes)",
					)
					.option("--files", "compare every file of the signed and adopted directories with the index, too");
				examples(command, [
					"sigtool launcher check",
					"sudo sigtool launcher check --user app",
					"sigtool launcher check --files --quiet",
					"sigtool launcher check --json | jq .findings",
				]);
				return async () => (await import("./launcher.js")).launcherCheck;
			},
		},
		{
			name: "status",
			description: "list the running processes that the installed launcher started",
			declare(command) {
				command.option("--prefix <dir>", "directory of the installed launcher", INSTALLED_PREFIX);
				examples(command, ["sudo sigtool launcher status", "sudo sigtool launcher status --json | jq .processes"]);
				return async () => (await import("./launcher.js")).launcherStatus;
			},
		},
	],
};

const INSTALL_HELP = `
If a launcher is installed there, each setting without an option stays as it is, and the line "kept" names it. Only announced programs
(--node-next, --python-next) are not kept.
`;
