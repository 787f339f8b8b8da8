/** Describes a technique: a signed program, the attacker's changes to it or beside it, and how it is started. */

export const RELEASES = [20, 22, 24, 26] as const;
export type Release = (typeof RELEASES)[number];

/** The two directories of one technique: the program's, in the signed tree, and the attacker's, beside the tree. */
export interface Place {
	/** The program's directory, which is signed. */
	readonly app: string;
	/** The attacker's directory, which is unsigned. It contains EVIL_FILES and the technique's own files. */
	readonly data: string;
	/**
	 * The binary of the tested release of Node.js. It makes files that only this release can make: bytecode and
	 * snapshots.
	 */
	readonly node: string;
	readonly release: Release;
	/** The V8 flags of the program. Bytecode contains a hash of these flags. */
	readonly v8Flags: readonly string[];
}

/** The content of a file: text, bytes, or a library of native.ts, which may have further bytes behind its sections. */
export type Content = string | Uint8Array | { readonly library: Library; readonly padding?: number };
export type Library =
	| "evil"
	| "good"
	| "context"
	| "linked"
	| "padded"
	| "opener"
	| "namespace"
	| "base"
	| "lookup"
	| "versioned"
	| "filter"
	| "auxiliary";
export type Files = Readonly<Record<string, Content>>;

/** A technique of a suite that tries releases of one runtime. */
export interface TechniqueOf<Place, Release extends PropertyKey, Content> {
	/** The name says which unsigned code would run, and how. It is unique in the suite. */
	readonly name: string;
	/** Signed files by path below the program's directory. */
	readonly signed: Readonly<Record<string, Content>>;
	/** Targets of signed links, by path. */
	readonly links?: Readonly<Record<string, string>>;
	/** Files that the attacker writes into the signed directory after signing. */
	readonly changed?: Readonly<Record<string, Content>>;
	/** Files in the attacker's directory, in addition to EVIL_FILES. */
	readonly beside?: Readonly<Record<string, Content>>;
	/** Makes links, renames, caches, bytecode and archives. Runs after `changed` and `beside` were written. */
	readonly arrange?: (place: Place) => void;
	/** Options before the script, from an attacker who controls the command line. */
	readonly flags?: (place: Place) => readonly string[];
	/** Replaces the script and its arguments. */
	readonly script?: (place: Place) => readonly string[];
	readonly environment?: (place: Place) => Readonly<Record<string, string>>;
	/** Returns the file for standard input. Default: /dev/null. */
	readonly input?: (place: Place) => string;
	/** Returns a program that starts the real command, such as `unshare -m …`. */
	readonly through?: (place: Place) => readonly string[];
	/** Releases on which the unguarded runtime does not run the technique, each with the reason. */
	readonly notOn?: Readonly<Partial<Record<Release, string>>>;
	/** The technique loads native code, so it needs a C compiler. */
	readonly native?: true;
}

/** The program of the technique is `main.mjs` if there is one, else `main.js`. */
export interface Technique extends TechniqueOf<Place, Release, Content> {
	/** A control that only the hook makes possible: without it the native gate refuses. */
	readonly hook?: true;
	/** The technique mounts, so it needs the privilege to mount. */
	readonly mounts?: true;
}

/** Only unsigned code prints this text. No file contains it, because the code computes it. */
export const MARKER = "evil-ran-42";
/** Programs that must work in every mode print this text. */
export const GOOD_MARKER = "good-ran-42";

/** The attacker's code as a script, a module, and the body of a function. */
export const EVIL = "process.getBuiltinModule('fs').writeSync(1, `evil-ran-${6 * 7}\\n`);\n";
export const EVIL_SHELL = "echo evil-ran-$((6 * 7))";

/** Files in every attacker's directory. Programs get the path of that directory as their first argument. */
export const EVIL_FILES: Files = {
	"evil.js": EVIL,
	"evil.cjs": EVIL,
	"evil.mjs": EVIL,
	"evil.ts": `const answer: number = 42;\n${EVIL}`,
	"evil.txt": EVIL,
	"evil.sh": `#!/bin/sh\n${EVIL_SHELL}\n`,
};

/** The first lines of a program. They read the attacker's directory, and the attacker's text as data. */
export const DATA = "const data = process.argv[2];\n";
export const TEXT = `${DATA}const text = require("fs").readFileSync(data + "/evil.txt", "utf8");\n`;
export const MODULE_TEXT = `import { readFileSync } from "fs";\n${DATA}const text = readFileSync(data + "/evil.txt", "utf8");\n`;

/** Makes a technique with a CommonJS program that reads the attacker's text. */
export const withText = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { "main.js": TEXT + program },
	...more,
});

/** Makes a technique with a CommonJS program that knows the attacker's directory. */
export const withData = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { "main.js": DATA + program },
	...more,
});

export const BEFORE_22 = { 20: "not in this release" } as const;
