import { Option } from "commander";
import { type CommandDeclaration, examples } from "../../options/declaration.js";
import { repeated } from "../../options/options.js";

export const RUN: CommandDeclaration = {
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
		return async () => (await import("./run.js")).run;
	},
};

const ABOUT_RUNNING = `
Exit status and signals are the program's own; 126 when it was refused, by the launcher or later. docs/launcher.md
tells what the launcher takes away: variables, system calls, writing, other programs.
`;

/** As launcher-conf.ts and launcher-place.ts have them, which are not loaded to print help. */
const LAUNCH_MODES = ["off", "audit", "enforce", "strict"] as const;

const INSTALLED_PREFIX = "/usr/lib/sigtool";
