/** Asks readelf about the parts, which may be for another processor. */

import { execFileSync } from "../outside.js";

export interface Elf {
	readonly processor: string;
	readonly type: string;
	/** The loader that the kernel starts first. Undefined for a static program and for a library. */
	readonly loader: string | undefined;
	readonly needed: readonly string[];
	/** The versions of glibc's symbols that the file asks for, such as `2.17`. */
	readonly glibcVersions: readonly string[];
	/** The names of the functions and objects that others have to define. */
	readonly undefinedNames: readonly string[];
	readonly definedNames: readonly string[];
	/** The loader binds all functions at once, and makes what it relocated read-only. */
	readonly isHardened: boolean;
}

export function elfOf(file: string): Elf {
	const text = execFileSync("readelf", ["-W", "-h", "-l", "-d", "-V", "--dyn-syms", file], {
		encoding: "utf8",
		maxBuffer: 64 << 20,
		stdio: ["ignore", "pipe", "ignore"],
		env: { ...process.env, LC_ALL: "C" },
	});
	const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = ""]) => found);
	const symbols = [
		...text.matchAll(/^ +\d+: [0-9a-f]+ +\S+ (?:FUNC|OBJECT|NOTYPE) +(?:GLOBAL|WEAK) .*? (\S+) ([^\s@]+)/gm),
	];
	return {
		processor: all(/^ {2}Machine: +(.*)$/gm)[0] ?? "",
		type: all(/^ {2}Type: +(\S+)/gm)[0] ?? "",
		loader: all(/Requesting program interpreter: (.*)\]/g)[0],
		needed: all(/\(NEEDED\).*\[(.*)\]/g),
		glibcVersions: [...new Set(all(/Name: GLIBC_([\d.]+)/g))],
		undefinedNames: symbols.filter(([, section]) => section === "UND").map(([, , name = ""]) => name),
		definedNames: symbols.filter(([, section]) => section !== "UND").map(([, , name = ""]) => name),
		isHardened: /GNU_RELRO/.test(text) && /\(FLAGS(?:_1)?\).*NOW/.test(text) && !/GNU_STACK.* RWE/.test(text),
	};
}
