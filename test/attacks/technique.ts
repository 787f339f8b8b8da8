/** What a technique of the suite is: a signed program, what the attacker does to it or beside it, how it is started. */

export const RELEASES = [20, 22, 24, 26] as const;
export type Release = (typeof RELEASES)[number];

/** Where one technique lives while it is tried: a directory of the signed tree, and the attacker's own beside the tree. */
export interface Place {
	/** Signed, the program's own directory. */
	readonly app: string;
	/** Unsigned, the attacker's: EVIL_FILES and what the technique puts there. */
	readonly data: string;
	/** Node.js of the release tried, for what only that release can make (bytecode, snapshots). */
	readonly node: string;
	readonly release: Release;
	/** Flags of V8 the program will run under: bytecode carries their hash. */
	readonly v8Flags: readonly string[];
}

/** Content of a file: text, bytes, or a library of native.ts. */
export type Content = string | Uint8Array | { readonly library: Library };
export type Library = "evil" | "good" | "linked";
export type Files = Readonly<Record<string, Content>>;

export interface Technique {
	/** What runs that nobody signed, and through which door. Unique in the suite. */
	readonly name: string;
	/** Signed files by path below the program's directory. The program is `main.js`, or `main.mjs` where there is one. */
	readonly signed: Files;
	/** Signed links, by path: their targets. */
	readonly links?: Readonly<Record<string, string>>;
	/** What the attacker leaves in the signed directory after signing. */
	readonly changed?: Files;
	/** What he leaves in his own directory, besides EVIL_FILES. */
	readonly beside?: Files;
	/** What files alone cannot say: links, renames, caches. Runs after `changed` and `beside` were written. */
	readonly arrange?: (place: Place) => void;
	/** Options before the script, as an attacker who writes the command line would add them. */
	readonly flags?: (place: Place) => readonly string[];
	/** Stands where the script and its arguments would. */
	readonly script?: (place: Place) => readonly string[];
	readonly environment?: (place: Place) => Readonly<Record<string, string>>;
	/** File for standard input; /dev/null when absent. */
	readonly input?: (place: Place) => string;
	/** A program the real command is handed to: `unshare -m …`. */
	readonly through?: (place: Place) => readonly string[];
	/** Releases whose plain Node.js does not run it, each with the reason. */
	readonly notOn?: Readonly<Partial<Record<Release, string>>>;
	/** Loads a library: needs a C compiler. */
	readonly native?: true;
	/** Mounts: needs rights for that. */
	readonly mounts?: true;
}

/** Printed only when code that was not signed runs: it stands in no file, it has to be computed. */
export const MARKER = "evil-ran-42";
/** Printed by programs that have to work in every mode. */
export const GOOD_MARKER = "good-ran-42";

/** The attacker's code as a script, a module, and the body of a function. */
export const EVIL = "process.getBuiltinModule('fs').writeSync(1, `evil-ran-${6 * 7}\\n`);\n";
export const EVIL_SHELL = "echo evil-ran-$((6 * 7))";

/** In every attacker's directory; programs get its path as their first argument. */
export const EVIL_FILES: Files = {
	"evil.js": EVIL,
	"evil.cjs": EVIL,
	"evil.mjs": EVIL,
	"evil.ts": `const answer: number = 42;\n${EVIL}`,
	"evil.txt": EVIL,
	"evil.sh": `#!/bin/sh\n${EVIL_SHELL}\n`,
};

/** Begins a program: the attacker's directory, and his text as data the program was tricked into reading. */
export const DATA = "const data = process.argv[2];\n";
export const TEXT = `${DATA}const text = require("fs").readFileSync(data + "/evil.txt", "utf8");\n`;
export const MODULE_TEXT = `import { readFileSync } from "fs";\n${DATA}const text = readFileSync(data + "/evil.txt", "utf8");\n`;

/** A CommonJS program that reads the attacker's text. */
export const withText = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { "main.js": TEXT + program },
	...more,
});

/** A CommonJS program that knows where the attacker's directory is. */
export const withData = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { "main.js": DATA + program },
	...more,
});

export const BEFORE_22 = { 20: "not in this release" } as const;
