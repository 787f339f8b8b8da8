/**
 * These signed programs contain no attack. They must run in every mode. So a technique that fails in a mode fails only
 * because it is refused.
 */

import type { Technique } from "./technique.js";

const SAYS = "console.log(`good-ran-${6 * 7}`);";

const control = (what: string, signed: Technique["signed"], more: Partial<Technique> = {}): Technique => ({
	name: `control: ${what}`,
	signed,
	...more,
});

export const isControl = (name: string) => name.startsWith("control: ");

/** Its function returns 42. Its section `good` tells it from the attacker's, because what is signed counts everywhere. */
const ANSWERS = Buffer.from(
	"0061736d010000000105016000017f03020100070501016600000a06010400412a0b000504676f6f64",
	"hex",
);

export const CONTROLS: readonly Technique[] = [
	control("CommonJS, JSON and a directory", {
		"main.js": `if (require("./dep").answer + require("./data.json").one === 43) require("./say");`,
		"dep/index.js": "exports.answer = 42;",
		"data.json": `{"one":1}`,
		"say.js": SAYS,
	}),
	control("modules, static and dynamic", {
		"main.mjs": `import { answer } from "./dep.mjs"; import cjs from "./dep.cjs"; if (answer === cjs.answer) await import("./say.mjs");`,
		"dep.mjs": "export const answer = 42;",
		"dep.cjs": "exports.answer = 42;",
		"say.mjs": SAYS,
	}),
	control(
		"packages by exports and by a signed link",
		{
			"main.js": `require("dep"); require("./lib/say.js");`,
			"node_modules/dep/package.json": `{"exports":"./lib.js"}`,
			"node_modules/dep/lib.js": "exports.good = true;",
			"real/say.js": SAYS,
		},
		{ links: { lib: "real" } },
	),
	control("a worker", {
		"main.js": `new (require("worker_threads").Worker)(__dirname + "/inner.js");`,
		"inner.js": `require("fs").writeSync(1, \`good-ran-\${6 * 7}\\n\`);`,
	}),
	control("files written where it may", {
		"main.js": `const file = process.argv[2] + "/out.txt"; require("fs").writeFileSync(file, "x"); if (require("fs").readFileSync(file, "utf8") === "x") ${SAYS}`,
	}),
	control(
		"TypeScript",
		{ "main.ts": `const n: number = 7; console.log(\`good-ran-\${6 * n}\`);` },
		{
			script: ({ app }) => [`${app}/main.ts`],
			hook: true,
			notOn: { 20: "does not strip types" },
		},
	),
	control(
		"a signed addon",
		{
			"main.js": `try { require("./good.node"); } catch (error) { if (/self-register/.test(error.message)) ${SAYS} }`,
			"good.node": { library: "good" },
		},
		{ native: true },
	),
	control(
		"signed WebAssembly",
		{
			"main.js": `const bytes = require("fs").readFileSync(__dirname + "/good.wasm"); console.log("good-ran-" + new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f());`,
			"good.wasm": ANSWERS,
		},
		{ hook: true },
	),
	control(
		"signed WebAssembly by import",
		{
			"main.mjs": `import { f as answer } from "./exports.wasm"; import "./imports.wasm"; if (answer() === 42) import("./say.mjs");`,
			"exports.wasm": ANSWERS,
			// The module `(module (import "./\"dep.mjs" "f" (func)) (start 0))`.
			"imports.wasm": Buffer.from("0061736d010000000104016000000210010a2e2f226465702e6d6a7301660000080100", "hex"),
			'"dep.mjs': "export const f = () => {};",
			"say.mjs": SAYS,
		},
		{ hook: true, notOn: { 20: "needs a flag" } },
	),
];
