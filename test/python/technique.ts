/** Describes a technique: a signed program for CPython, the attacker's changes, and how the program is started. */

import { EVIL_SHELL, GOOD_MARKER, MARKER, type TechniqueOf } from "../attacks/technique.js";

export { EVIL_SHELL, GOOD_MARKER, MARKER };

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

/** The program of the technique is `main.py`. */
export interface Technique extends TechniqueOf<Place, Version, string | Uint8Array> {
	/** Makes further signed files, such as bytecode and archives. */
	readonly prepare?: (place: Place) => void;
	/** Files of the shared standard library that `arrange` changes. The technique runs alone, and the files are restored. */
	readonly touches?: (place: Place) => readonly string[];
	/** A Python expression. If it is not true, the interpreter was built without a part that the technique needs. */
	readonly needs?: string;
}

/** The attacker's code. It is an expression, so it can be a script, a line of a .pth, or an argument of eval(). */
export const EVIL = `__import__("os").write(1, b"evil-ran-%d\\n" % (6 * 7))`;

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
