/** Makes the same technique for each kind of program. */

import type { Technique } from "../technique.js";

export type MakeTechnique = (name: string, program: string, more?: Partial<Technique>) => Technique;

const MODULE = `import { createRequire } from "module";
const require = createRequire(import.meta.url), __dirname = import.meta.dirname;
`;
/** Makes a technique with a program that is an ES module. The program also has `require` and `__dirname`. */
export const inModule: MakeTechnique = (name, program, more = {}) => ({
	...more,
	name,
	signed: { "main.mjs": `${MODULE}${program}`, ...more.signed },
});
/** Makes a technique whose program runs in a worker. */
export const inWorker: MakeTechnique = (name, program, more = {}) => ({
	...more,
	name,
	signed: {
		"main.js": `new (require("worker_threads").Worker)(__dirname + "/inner.js", { argv: process.argv.slice(2) });`,
		"inner.js": program,
		...more.signed,
	},
});

/** Makes a technique with a CommonJS program. */
export const inScript: MakeTechnique = (name, program, more = {}) => ({
	...more,
	name,
	signed: { "main.js": program, ...more.signed },
});
