/** The documents of commands about runtimes and launchers. */

import {
	count,
	elsewhere,
	list,
	object,
	optional,
	orNull,
	sha256,
	shared,
	text,
	time,
	truth,
	words,
} from "./shapes.mjs";

const prefix = text("The directory of the launcher.");

const findings = list(
	"What was found.",
	object("One finding.", {
		what: text("The subject."),
		status: words("`note` means that nothing is wrong.", "ok", "wrong", "note"),
		says: text("What was found."),
	}),
);

const processes = list(
	"The processes that the launcher started.",
	object("A process.", {
		pid: count("Its number."),
		uid: count("The number of its user."),
		runtime: words("Its runtime.", "node", "python"),
		script: optional(text("Its script.")),
		restricted: truth("True if the kernel filters its system calls."),
		unit: optional(text("Its unit of systemd.")),
		started: time("The time of its start."),
		version: words("The version with which it runs.", "installed", "other"),
	}),
);

const sharedIndexes = list(
	"The indexes.",
	object("An index.", {
		index: text("Its path."),
		copy: text("The path of the copy."),
		sizeBytes: count("The size of the copy."),
		changed: truth("True if the copy is new."),
	}),
);

const spython = {
	python: text("The release of CPython."),
	home: text("Its prefix."),
	executable: text("Its program."),
	program: text("The real path of its program."),
	libpython: orNull(text("The shared library with the interpreter.")),
	pins: list("The keys that may sign.", sha256("A pin.")),
	development: truth("True if it accepts development identities."),
	collector: truth("True if it can send events to a collector."),
};

export const RUNNING = {
	run: {
		about: "Runs a program. Only an error before its start makes a document.",
		results: [],
		exits: [1, 2, 3, 75, 126],
	},
	compile: {
		about: "Verifies directories and compiles them into a trust index.",
		results: [
			object("The trust index.", {
				index: text("The path of the index."),
				bytes: count("Its size."),
				sha256: sha256("Its digest."),
				compiled: count("Its sequence."),
				products: list(
					"Its products.",
					object("A product.", {
						name: text("The name."),
						root: text("The directory."),
						sequence: orNull(count("The lowest sequence of its catalogs.")),
						adopted: optional(truth("True if the directory had no catalog.")),
						files: count("The number of files."),
						links: count("The number of links."),
						catalogs: list("The catalogs.", shared("catalog")),
					}),
				),
				packages: list(
					"The adopted packages.",
					object("A package.", {
						name: text("The name."),
						files: count("The number of its files."),
						others: count("The number of its files elsewhere."),
					}),
				),
				texts: list("The digests of compiled texts.", sha256("A digest.")),
				typeStrippers: list(
					"The Node.js programs that stripped types.",
					object("A program.", { program: text("Its path."), release: text("Its release.") }),
				),
				unstripped: list(
					"The TypeScript files without a text.",
					object("A file.", { path: text("The path."), reason: text("Why.") }),
				),
				policy: elsewhere("The policy (policy.md)."),
				notAfter: orNull(time("The end of the index.")),
				digest: optional(text("The SHA-256 of an unsigned index, with `sha256:` before it.")),
				development: optional(truth("True if a development identity signed.")),
				signer: orNull(shared("signer")),
				timestamp: optional(shared("timestamp")),
			}),
		],
	},
	"launcher install": {
		about: "Installs the launcher.",
		results: [
			object("What was installed.", {
				prefix,
				changed: truth("True if something was or would be changed."),
				changes: list("What was or would be changed.", text("A name.")),
				configuration: object("The host configuration.", {
					file: text("Its path."),
					skeleton: words("Whether it was made.", "new", "kept"),
				}),
				settings: elsewhere("The settings of launcher.conf (launcher.md)."),
				kept: list("The settings that were kept.", text("A name.")),
				shared: sharedIndexes,
			}),
		],
	},
	"launcher check": {
		about: "Checks an installed launcher.",
		results: [
			object("The findings and facts.", {
				prefix,
				findings,
				host: text("The name of this host."),
				uid: optional(count("The number of the user who asked.")),
				versions: object("The versions.", {
					sigtool: text("That of sigtool."),
					node: optional(text("That of Node.js.")),
					python: optional(text("That of CPython.")),
				}),
				start: optional(elsewhere("Which index and signer were verified, in the words of the event verifier.start.")),
				processes,
				files: optional(list("The products whose files were compared.", elsewhere("A product."))),
			}),
		],
	},
	"launcher status": {
		about: "Lists the processes of a launcher.",
		results: [object("The processes.", { prefix, processes })],
	},
	"launcher share": {
		about: "Shares indexes among processes.",
		results: [
			object("The shared indexes.", {
				prefix,
				shared: sharedIndexes,
			}),
		],
	},
	"python build": {
		about: "Compiles a spython.",
		results: [
			object("The spython.", {
				spython: text("Its path."),
				...spython,
				library: list("The directories of the standard library.", text("A path.")),
				searched: list("The directories in which libraries are searched.", text("A path.")),
			}),
		],
	},
	"python gaps": {
		about: "Tries ways to run unsigned code in a spython.",
		results: [
			object("The ways.", {
				spython: text("Its path."),
				...spython,
				gaps: list(
					"The ways.",
					object("A way.", {
						name: text("Its name."),
						works: truth("True if it works in unguarded Python."),
						spython: words("The verdict of the spython.", "closed", "logged", "open", "untried"),
						launcher: orNull(words("The verdict with the launcher.", "closed", "logged", "open", "untried")),
					}),
				),
			}),
		],
	},
	"native build": {
		about: "Compiles the native parts.",
		results: [
			object("The parts.", {
				files: list("The files that were made.", text("A path.")),
				prebuilt: truth("True if prebuilt parts are used, and nothing was compiled."),
				complaint: text("What could not be built. Empty if all was built."),
			}),
		],
	},
};
