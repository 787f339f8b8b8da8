/** From signatures to programs that run under them. */

import { Option } from "commander";
import { type CommandDeclaration, examples } from "./declaration.js";
import { choice, keyOptions, repeated, signerOptions } from "./options.js";

export const RUNNING: readonly CommandDeclaration[] = [
	{
		name: "compile",
		description: "verify signed directories and compile them into one trust index, which runtimes load",
		declare(command) {
			keyOptions(command)
				.argument("[dir...]", "signed directories, each with its catalog")
				.requiredOption("-o, --output <file>", "where the index goes, e.g. app.sigx; not into a signed directory")
				.option("--policy <json>", "what a runtime may do (default: enforce; see docs/policy.md)")
				.option("--not-after <when>", "refuse the index after so many days, or after a time")
				.addOption(repeated("--adopt <dir>", "trust this directory, which carries no catalog, as it is now"))
				.addOption(repeated("--catalog <path>", "the directory's catalogs, when they lie elsewhere"))
				.addOption(repeated("--trust <pem>", "trust these certificates instead of the trust store"))
				.option("--product <name>", "refuse another product; names that of a catalog without one")
				.option("--allow-development", "take catalogs that a development identity signed")
				.option("--force", "replace a file that is not a trust index");
			signerOptions(command);
			examples(command, [
				"sigtool compile ./app -o app.sigx --allow-development",
				"sigtool compile /srv/app /srv/plugins -o site.sigx --policy policy.json --key release.pem --cert release.crt",
				"sigtool compile ./app -o app.sigx --trust ca.crt --not-after 90 --p12 release.p12",
				"sigtool compile ./app --adopt /usr/lib/python3.13 --adopt /usr/lib/python3 -o app.sigx --allow-development",
			]);
			return async () => (await import("../commands/compile.js")).compile;
		},
	},
	{
		name: "run",
		description: "start a program in Node.js or Python that can load nothing but what was signed",
		declare(command) {
			command
				.argument("<script>", "the program's file; in Python, where it ends in .py")
				.argument("[args...]", "everything after it is the program's")
				.passThroughOptions()
				.addOption(new Option("--mode <mode>", "stricter than installed, never weaker").choices(LAUNCH_MODES))
				.addOption(repeated("--write <dir>", "a directory the program may write below; /dev/null always"))
				.option("--env-clear", "pass on nothing but PATH, HOME, LANG, LC_*, TERM, TZ and USER")
				.option("--allow-development", "count what this user signed, without an installation")
				.option("--index <file>", "trust index, with --allow-development")
				.addOption(repeated("--catalog <file>", "the script's catalog, with --allow-development"))
				.option("-m, --module", "<script> is the name of a module in Python, found from here")
				.option("--python", "the program is in Python, whatever its name")
				.option("--spython <file>", "the spython to start it with, with --allow-development")
				.option("--prefix <dir>", "where the launcher is installed", INSTALLED_PREFIX);
			examples(
				command,
				[
					"sigtool sign ./app && sigtool run --allow-development ./app/main.js",
					"sigtool sign ./app && sigtool run --allow-development ./app/main.py",
					"sigtool run --write /var/lib/app /srv/app/main.js --port 8080",
					"sigtool run --mode strict --env-clear /srv/app/main.js",
					"sigtool run -m app.serve --port 8080",
				],
				ABOUT_RUNNING,
			);
			return async () => (await import("../commands/run.js")).run;
		},
	},
	{
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
					return async () => (await import("../commands/launcher.js")).launcherInstall;
				},
			},
			{
				name: "check",
				description: "audit an installed launcher: owners, modes, digests, pins, versions",
				declare(command) {
					command.option("--prefix <dir>", "where it is installed", INSTALLED_PREFIX);
					examples(command, ["sigtool launcher check", "sigtool launcher check --json | jq .findings"]);
					return async () => (await import("../commands/launcher.js")).launcherCheck;
				},
			},
		],
	},
	{
		name: "python",
		description: "a CPython that runs only what was signed",
		declare(command) {
			examples(command, ["sigtool python build --allow-development", "sigtool python gaps"]);
			return undefined;
		},
		commands: [
			{
				name: "build",
				description: "compile a spython like a CPython of this machine",
				declare(command) {
					command
						.option("--python <program>", "the CPython it is to be like", "python3")
						.addOption(repeated("--trust <pem|pin>", "who may sign: certificates, or the SHA-256 of a key"))
						.option("-o, --output <file>", "where it goes (default: where `sigtool run` looks)")
						.option("--allow-development", "trust a development identity; this machine's without --trust");
					examples(command, [
						"sigtool python build --allow-development",
						"sigtool python build --python /usr/bin/python3.13 --trust release.crt -o spython",
					]);
					return async () => (await import("../commands/python.js")).pythonBuild;
				},
			},
			{
				name: "gaps",
				description: "try ways to run unsigned code, and show which are closed, logged or open",
				declare(command) {
					command.option("--spython <file>", "the spython to try (default: where `sigtool run` looks)");
					examples(command, ["sigtool python gaps", "sigtool python gaps --spython ./spython --json | jq .gaps"]);
					return async () => (await import("../commands/python.js")).pythonGaps;
				},
			},
		],
	},
	{
		name: "native",
		description: "the compiled parts: launcher and addon",
		declare(command) {
			examples(command, ["sigtool native build"]);
			return undefined;
		},
		commands: [
			{
				name: "build",
				description: "compile them, with the C compiler of this machine",
				declare(command) {
					examples(command, ["sigtool native build"]);
					return async () => (await import("../commands/native.js")).nativeBuild;
				},
			},
		],
	},
];

const ABOUT_RUNNING = `
Exit status and signals are the program's own; 126 when it was refused, by the launcher or later. docs/launcher.md
tells what the launcher takes away: variables, system calls, writing, other programs.
`;

/** As launcher-conf.ts and launcher-place.ts have them, which are not loaded to print help. */
const LAUNCH_MODES = ["off", "audit", "enforce", "strict"] as const;
const INSTALLED_PREFIX = "/usr/lib/sigtool";
