/** Describes a technique: a signed program for CPython, the attacker's changes, and how the program is started. */

import { GOOD_MARKER, MARKER } from "../attacks/technique.js";

export { GOOD_MARKER, MARKER };

export const VERSIONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"] as const;
export type Version = (typeof VERSIONS)[number];

/** The directories and programs of one technique. */
export interface Place {
	/** The program's directory, which is signed. */
	readonly app: string;
	/** The attacker's directory, which is unsigned. It contains EVIL_FILES and the technique's own files. */
	readonly data: string;
	/** The signed prefix of the standard library, which is `lib/pythonX.Y` below it. */
	readonly home: string;
	readonly library: string;
	/** The directory in the prefix where `site` looks for packages. */
	readonly sitePackages: string;
	/**
	 * The unguarded interpreter of the tested version. It makes files that only this version can make: bytecode and zip
	 * archives.
	 */
	readonly python: string;
	/** The program that is started: the unguarded interpreter, or spython. */
	readonly program: string;
	readonly version: Version;
}

export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Technique {
	/** The name says which unsigned code would run, and how. It is unique in the suite. */
	readonly name: string;
	/** Signed files by path below the program's directory. The program is `main.py`. */
	readonly signed: Files;
	readonly links?: Readonly<Record<string, string>>;
	/** Makes further signed files, such as bytecode and archives. */
	readonly prepare?: (place: Place) => void;
	/** Files that the attacker writes into the signed directory after signing. */
	readonly changed?: Files;
	/** Files in the attacker's directory, in addition to EVIL_FILES. */
	readonly beside?: Files;
	/** Makes bytecode, archives, links and renames. Runs after `changed` and `beside` were written. */
	readonly arrange?: (place: Place) => void;
	/** Files of the shared standard library that `arrange` changes. The technique runs alone, and the files are restored. */
	readonly touches?: (place: Place) => readonly string[];
	/** Options before the script, from an attacker who controls the command line. */
	readonly flags?: (place: Place) => readonly string[];
	/** Replaces the script and its arguments. */
	readonly script?: (place: Place) => readonly string[];
	readonly environment?: (place: Place) => Readonly<Record<string, string>>;
	/** Returns the file for standard input. Default: /dev/null. */
	readonly input?: (place: Place) => string;
	/** Returns a program that starts the real command, such as `unshare -m …`. */
	readonly through?: (place: Place) => readonly string[];
	/** Versions on which unguarded CPython does not run the technique, each with the reason. */
	readonly notOn?: Readonly<Partial<Record<Version, string>>>;
	/** A Python expression. If it is not true, the interpreter was built without a part that the technique needs. */
	readonly needs?: string;
	/** The technique needs a C compiler. */
	readonly native?: true;
}

/** The attacker's code. It is an expression, so it can be a script, a line of a .pth, or an argument of eval(). */
export const EVIL = `__import__("os").write(1, b"evil-ran-%d\\n" % (6 * 7))`;
export const EVIL_SHELL = "echo evil-ran-$((6 * 7))";

/** Files in every attacker's directory. Programs get the path of that directory as their first argument. */
export const EVIL_FILES: Files = {
	"evil.py": `${EVIL}\n`,
	"evil.txt": `${EVIL}\n`,
	"evil.sh": `#!/bin/sh\n${EVIL_SHELL}\n`,
	"evil_package/__init__.py": "",
	"evil_package/__main__.py": `${EVIL}\n`,
};

/** The first lines of a program. They read the attacker's directory, and the attacker's text as data. */
export const DATA = "import sys\ndata = sys.argv[1]\n";
export const TEXT = `${DATA}text = open(data + "/evil.txt").read()\n`;

/** Makes a technique with a program that reads the attacker's text. */
export const withText = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { "main.py": `${TEXT}${program}\n` },
	...more,
});

/** Makes a technique with a program that knows the attacker's directory. */
export const withData = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { "main.py": `${DATA}${program}\n` },
	...more,
});

/** Returns a value for `notOn` that gives one reason for all versions in `which`. */
export const notOn = (reason: string, ...which: readonly Version[]) =>
	Object.fromEntries(which.map((version) => [version, reason])) as Partial<Record<Version, string>>;

export const before = (version: Version) =>
	notOn("not in this version", ...VERSIONS.slice(0, VERSIONS.indexOf(version)));
export const since = (version: Version) =>
	notOn("no longer in this version", ...VERSIONS.slice(VERSIONS.indexOf(version)));
