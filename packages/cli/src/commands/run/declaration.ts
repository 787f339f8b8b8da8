import { MODES } from "@sigtool/core";
import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { INSTALLED_PREFIX } from "../../options/installed-prefix.js";
import { repeated } from "../../options/options.js";

export const RUN: CommandDeclaration = {
	name: "run",
	description: "run a Node.js or Python program that can load only signed code",
	systems: ["linux"],
	declare(command) {
		command
			.argument("<script>", "the program's file; a .py file runs in Python")
			.argument("[args...]", "all further arguments go to the program")
			.passThroughOptions()
			.addOption(
				new Option("--mode <mode>", "a stricter mode than the installed one; a weaker one is refused").choices(MODES),
			)
			.addOption(repeated("--write <dir>", "directory below which the program may write; /dev/null is always allowed"))
			.option("--env-clear", "pass on only the environment variables PATH, HOME, LANG, LC_*, TERM, TZ and USER")
			.option("--allow-development", "accept development signatures of this user; needs no installed launcher")
			.option("--index <file>", "trust index; needs --allow-development")
			.addOption(repeated("--catalog <file>", "catalog of the script; needs --allow-development"))
			.option("-m, --module", "<script> is the name of a Python module, found from the working directory")
			.option("--python", "run the program in Python, whatever its name")
			.option("--node <file>", "Node.js to run it with; needs --allow-development")
			.option("--spython <file>", "spython to run it with; needs --allow-development")
			.option("--prefix <dir>", "directory of the installed launcher", INSTALLED_PREFIX);
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
		return async () => (await import("./run.js")).run;
	},
};

export const AUDIT: CommandDeclaration = {
	name: "audit",
	description: "run a program without refusing anything, and say what would have to be signed",
	systems: ["linux"],
	declare(command) {
		command
			.argument("<script>", "the program's file; a .py file runs in Python")
			.argument("[args...]", "all further arguments go to the program")
			.passThroughOptions()
			.option("--log <file>", "file to which the events are appended", "sigtool-audit.jsonl")
			.option("--index <file>", "trust index (default: one of the script's signed directory, if it has one)")
			.addOption(repeated("--catalog <file>", "catalog of the script"))
			.option("-m, --module", "<script> is the name of a Python module, found from the working directory")
			.option("--python", "run the program in Python, whatever its name")
			.option("--node <file>", "Node.js to run it with")
			.option("--spython <file>", "spython to run it with");
		examples(
			command,
			["sigtool audit ./app/main.js", "sigtool audit --log events.jsonl ./app/main.py --port 8080"],
			ABOUT_AUDITING,
		);
		return async () => (await import("./audit.js")).audit;
	},
};

const ABOUT_AUDITING = `
The program runs as with \`sigtool run --allow-development --mode audit\`, also if nobody signed it. Exit status and signals are
those of the program. docs/how-to/policy.md goes on from the log.
`;

const ABOUT_RUNNING = `
Exit status and signals are those of the program; status 126 means a refusal, before the start or at run time, and 75 that
a fault which may pass, such as a full disk, kept the program from being judged.
docs/reference/launcher.md lists what the launcher takes away: environment variables, system calls, writing to files, starting
other programs.

This command is a Node.js program itself: NODE_OPTIONS in its environment acts before anything is checked. Start it from
an environment that you trust. The installed launcher, which is no Node.js program, drops such variables.
`;
