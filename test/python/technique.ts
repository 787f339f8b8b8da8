/** What a technique of the suite is: a signed program for CPython, what the attacker does to it or beside it, how it is started. */

import { GOOD_MARKER, MARKER } from "../attacks/technique.js";

export { GOOD_MARKER, MARKER };

export const VERSIONS = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"] as const;
export type Version = (typeof VERSIONS)[number];

/** Where one technique lives while it is tried. */
export interface Place {
	/** Signed, the program's own directory. */
	readonly app: string;
	/** Unsigned, the attacker's: EVIL_FILES and what the technique puts there. */
	readonly data: string;
	/** Signed, the standard library's prefix; the library itself is `lib/pythonX.Y` below it. */
	readonly home: string;
	readonly library: string;
	/** In the prefix: where `site` looks for packages. */
	readonly sitePackages: string;
	/** A plain interpreter of the version tried, for what only that version can make (bytecode, zip archives). */
	readonly python: string;
	/** The program that is started: the plain interpreter, or spython. */
	readonly program: string;
	readonly version: Version;
}

export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Technique {
	/** What runs that nobody signed, and through which door. Unique in the suite. */
	readonly name: string;
	/** Signed files by path below the program's directory. The program is `main.py`. */
	readonly signed: Files;
	readonly links?: Readonly<Record<string, string>>;
	/** Signed as well: what files alone cannot say (bytecode, archives). */
	readonly prepare?: (place: Place) => void;
	/** What the attacker leaves in the signed directory after signing. */
	readonly changed?: Files;
	/** What he leaves in his own directory, besides EVIL_FILES. */
	readonly beside?: Files;
	/** Bytecode, archives, links, renames. Runs after `changed` and `beside` were written. */
	readonly arrange?: (place: Place) => void;
	/** Files of the standard library that `arrange` changes. All techniques share it: this one is tried alone, and they are put back. */
	readonly touches?: (place: Place) => readonly string[];
	/** Options before the script, as an attacker who writes the command line would add them. */
	readonly flags?: (place: Place) => readonly string[];
	/** Stands where the script and its arguments would. */
	readonly script?: (place: Place) => readonly string[];
	readonly environment?: (place: Place) => Readonly<Record<string, string>>;
	/** File for standard input; /dev/null when absent. */
	readonly input?: (place: Place) => string;
	/** A program the real command is handed to: `unshare -m …`. */
	readonly through?: (place: Place) => readonly string[];
	/** Versions whose plain CPython does not run it, each with the reason. */
	readonly notOn?: Readonly<Partial<Record<Version, string>>>;
	/** A Python expression that has to be true: parts an interpreter may have been built without. */
	readonly needs?: string;
	/** Needs a C compiler. */
	readonly native?: true;
}

/** The attacker's code, an expression: it can be a script, a line of a .pth, or what eval() gets. */
export const EVIL = `__import__("os").write(1, b"evil-ran-%d\\n" % (6 * 7))`;
export const EVIL_SHELL = "echo evil-ran-$((6 * 7))";

/** In every attacker's directory; programs get its path as their first argument. */
export const EVIL_FILES: Files = {
	"evil.py": `${EVIL}\n`,
	"evil.txt": `${EVIL}\n`,
	"evil.sh": `#!/bin/sh\n${EVIL_SHELL}\n`,
	"evil_package/__init__.py": "",
	"evil_package/__main__.py": `${EVIL}\n`,
};

/** Begins a program: the attacker's directory, and his text as data the program was tricked into reading. */
export const DATA = "import sys\ndata = sys.argv[1]\n";
export const TEXT = `${DATA}text = open(data + "/evil.txt").read()\n`;

/** A program that reads the attacker's text. */
export const withText = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { "main.py": `${TEXT}${program}\n` },
	...more,
});

/** A program that knows where the attacker's directory is. */
export const withData = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { "main.py": `${DATA}${program}\n` },
	...more,
});

/** The versions of `which` with one reason. */
export const notOn = (reason: string, ...which: readonly Version[]) =>
	Object.fromEntries(which.map((version) => [version, reason])) as Partial<Record<Version, string>>;

export const before = (version: Version) =>
	notOn("not in this version", ...VERSIONS.slice(0, VERSIONS.indexOf(version)));
export const since = (version: Version) =>
	notOn("no longer in this version", ...VERSIONS.slice(VERSIONS.indexOf(version)));
