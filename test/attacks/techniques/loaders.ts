/** These techniques add a second hook, by register(), by registerHooks() or by the flags that call them. */

import { DATA, EVIL, type Technique, withData } from "../technique.js";

/**
 * This signed loader returns the attacker's text as a module. Loaders that transpile or instrument code also return
 * text that they made.
 */
const SIGNED_LOADER = `import { readFileSync } from "node:fs";
let text;
export function initialize(file) { text = readFileSync(file, "utf8"); }
export async function load(url, context, next) {
  if (!url.endsWith("dep.mjs")) return next(url, context);
  return { format: "module", source: text, shortCircuit: true };
}`;

const IMPORT_DEP = "export const good = true;\n";
const NEW_HOOKS = { 20: "not in this release" } as const;

const hooks = (name: string, body: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: {
		"main.js": `${DATA}const text = require("fs").readFileSync(data + "/evil.txt", "utf8");
const { registerHooks } = require("module");
${body}`,
		"dep.mjs": IMPORT_DEP,
		"dep.js": "exports.good = true;\n",
	},
	notOn: NEW_HOOKS,
	...more,
});

export const loaders: readonly Technique[] = [
	withData(
		"module.register() of an unsigned loader",
		`const { pathToFileURL } = require("url"); require("module").register(pathToFileURL(data + "/evil.mjs")); import("fs");`,
	),
	withData(
		"module.register() of a data: URL",
		`require("module").register("data:text/javascript," + encodeURIComponent(require("fs").readFileSync(data + "/evil.txt", "utf8"))); import("fs");`,
	),
	{
		name: "module.register() of a signed loader that hands out text",
		signed: {
			"main.js": `${DATA}const { pathToFileURL } = require("url");
require("module").register(pathToFileURL(__dirname + "/loader.mjs"), { data: data + "/evil.txt" });
import("./dep.mjs");`,
			"loader.mjs": SIGNED_LOADER,
			"dep.mjs": IMPORT_DEP,
		},
	},
	{
		name: "module.register() by a named import",
		signed: {
			"main.mjs": `import { register } from "module";
import { pathToFileURL } from "url";
register(pathToFileURL(process.argv[2] + "/evil.mjs")); await import("fs");`,
		},
	},
	hooks(
		"registerHooks() that hands out text to import",
		`registerHooks({ load: (url, context, next) => (url.endsWith("dep.mjs") ? { format: "module", source: text, shortCircuit: true } : next(url, context)) });
import("./dep.mjs");`,
	),
	hooks(
		"registerHooks() that hands out text to require()",
		`registerHooks({ load: (url, context, next) => (url.endsWith("dep.js") ? { format: "commonjs", source: text, shortCircuit: true } : next(url, context)) });
require("./dep.js");`,
	),
	hooks(
		"registerHooks() that leads elsewhere",
		`registerHooks({ resolve: (name, context, next) => (name.endsWith("dep.js") ? { url: "file://" + data + "/evil.js", shortCircuit: true } : next(name, context)) });
require("./dep.js");`,
	),
	hooks(
		"registerHooks() that makes a URL of its own",
		`registerHooks({
  resolve: (name, context, next) => (name === "virtual:x" ? { url: name, shortCircuit: true } : next(name, context)),
  load: (url, context, next) => (url === "virtual:x" ? { format: "module", source: text, shortCircuit: true } : next(url, context)) });
import("virtual:x");`,
	),
	hooks("registerHooks() by a named import", "", {
		signed: {
			"main.mjs": `import { registerHooks } from "module";
import { readFileSync } from "fs";
const text = readFileSync(process.argv[2] + "/evil.txt", "utf8");
registerHooks({ load: (url, context, next) => (url.endsWith("dep.mjs") ? { format: "module", source: text, shortCircuit: true } : next(url, context)) });
await import("./dep.mjs");`,
			"dep.mjs": IMPORT_DEP,
		},
	}),
	withData("--loader", "", { flags: ({ data }) => ["--loader", `${data}/evil.mjs`], signed: { "main.mjs": "0;" } }),
	withData("--experimental-loader of a data: URL", "", {
		flags: () => ["--experimental-loader", `data:text/javascript,${encodeURIComponent(EVIL)}`],
		signed: { "main.mjs": "0;" },
	}),
	withData("--import of an unsigned file", "", { flags: ({ data }) => ["--import", `${data}/evil.mjs`] }),
	withData("--import of a data: URL", "", {
		flags: () => ["--import", `data:text/javascript,${encodeURIComponent(EVIL)}`],
	}),
	withData("--require", "", { flags: ({ data }) => ["--require", `${data}/evil.js`] }),
];
