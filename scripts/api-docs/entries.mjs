/** Lists the entry points of the libraries: the names by which programs import them, and their declarations. */

import { fileURLToPath } from "node:url";

const place = (path) => fileURLToPath(new URL(`../../packages/${path}`, import.meta.url));

export const ENTRIES = [
	{ name: "@sigtool/core", file: place("core/dist/index.d.ts") },
	{ name: "@sigtool/core/read", file: place("core/dist/read.d.ts") },
	{ name: "@sigtool/core/errors", file: place("core/dist/checked/errors.d.ts") },
	{ name: "@sigtool/verifier", file: place("verifier/dist/index.d.ts") },
];

/** The options with which a program in strict TypeScript would read the declarations. */
export const COMPILER_OPTIONS = {
	module: "nodenext",
	target: "es2022",
	lib: ["es2023"],
	types: ["node"],
	strict: true,
};
