/** These techniques use functions of the module loader, and internals that Node.js exposes. */

import { DATA, TEXT, type Technique, withData, withText } from "../technique.js";

const GOOD = "exports.good = true;\n";

/** Makes a technique in which a program changes the loader, and then loads one of its signed files. */
const bends = (name: string, program: string): Technique => ({
	name,
	signed: { "main.js": TEXT + program, "dep.js": GOOD },
});

export const moduleInternals: readonly Technique[] = [
	withText("module._compile()", `module._compile(text, __filename);`),
	withText(
		"_compile() of a new module",
		`const Module = require("module"); new Module("x")._compile(text, __dirname + "/x.js");`,
	),
	withText(
		"_compile() of Module.prototype by call()",
		`require("module").prototype._compile.call(module, text, __filename, "commonjs");`,
	),
	withData(
		"handler of .js for another extension",
		`require.extensions[".txt"] = require.extensions[".js"]; require(data + "/evil.txt");`,
	),
	withData("handler of .js called directly", `require("module")._extensions[".js"](module, data + "/evil.js");`),
	bends(
		"handler of .js replaced",
		`require("module")._extensions[".js"] = (module, file) => module._compile(text, file); require("./dep.js");`,
	),
	withData(
		"handler of .json that compiles",
		`require.extensions[".json"] = (module, file) => module._compile(require("fs").readFileSync(file, "utf8").slice(2), file);
require("fs").writeFileSync(data + "/x.json", "//" + require("fs").readFileSync(data + "/evil.txt"));
require(data + "/x.json");`,
	),
	bends(
		"Module.wrap() replaced",
		`require("module").wrap = (source) => "(function () {" + text + "})"; require("./dep.js");`,
	),
	bends("Module.wrapper changed", `require("module").wrapper[0] += text; require("./dep.js");`),
	bends(
		"Module.wrapper replaced",
		`require("module").wrapper = ["(function (exports, require, module, __filename, __dirname) {" + text, "\\n})"]; require("./dep.js");`,
	),
	withData("Module._load()", `require("module")._load(data + "/evil.js", module, false);`),
	withData("Module._load() as the main program", `require("module")._load(data + "/evil.js", null, true);`),
	bends(
		"Module._resolveFilename() replaced",
		`require("module")._resolveFilename = () => data + "/evil.js"; require("./dep.js");`,
	),
	bends("Module._findPath() replaced", `require("module")._findPath = () => data + "/evil.js"; require("./dep.js");`),
	bends(
		"Module._pathCache poisoned",
		`const Module = require("module");
const key = "dep\\0" + __dirname + "/node_modules";
Module._pathCache["dep\\0" + Module._nodeModulePaths(__dirname).concat(Module.globalPaths).join("\\0")] = data + "/evil.js";
Module._pathCache[key] = data + "/evil.js";
module.paths = [__dirname + "/node_modules"];
Module._pathCache["dep\\0" + module.paths.concat(Module.globalPaths).join("\\0")] = data + "/evil.js";
require("dep");`,
	),
	withData("module.paths extended", `module.paths.unshift(data); require("evil");`),
	withData(
		"Module._nodeModulePaths() replaced",
		`const Module = require("module"); Module._nodeModulePaths = () => [data];
new Module("x", module); const m = new Module(__dirname + "/x.js", module); m.paths = Module._nodeModulePaths(); m.require("evil");`,
	),
	withData(
		"Module._initPaths() after NODE_PATH was set",
		`process.env.NODE_PATH = data; require("module")._initPaths(); require("evil");`,
	),
	withData(
		"Module.prototype.load()",
		`const m = new (require("module"))(data + "/evil.js"); m.load(data + "/evil.js");`,
	),
	withData("require() of the main module", `process.mainModule.require(data + "/evil.js");`),
	withData("Module._preloadModules()", `require("module")._preloadModules([data + "/evil.js"]);`),
	withData(
		"Module.runMain() of another script",
		`process.argv[1] = data + "/evil.js"; require("module").runMain(data + "/evil.js");`,
	),
	withData("require.cache entry of a signed file removed after it was changed", "", {
		signed: {
			"main.js": `${DATA}require("./dep.js"); delete require.cache[require.resolve("./dep.js")];
require("fs").writeFileSync(__dirname + "/dep.js", require("fs").readFileSync(data + "/evil.txt")); require("./dep.js");`,
			"dep.js": GOOD,
		},
	}),
	bends(
		"fs.readFileSync() replaced under the loader",
		`const fs = require("fs");
const { readFileSync } = fs;
fs.readFileSync = (file, options) => (String(file).endsWith("dep.js") ? text : readFileSync(file, options));
require("./dep.js"); require(data + "/evil.js");`,
	),
	bends(
		"fs.realpathSync() replaced under the loader",
		`require("fs").realpathSync = Object.assign(() => data + "/evil.js", require("fs").realpathSync); require("fs").toRealPath = 0;
require("./dep.js"); require(data + "/evil.js");`,
	),
	withText(
		"test runner inside the process",
		`require("node:test").run({ files: [data + "/evil.mjs"], isolation: "none" }).resume();`,
		{ notOn: { 20: "not in this release" } },
	),
	withData(
		"test runner in a child",
		`require("fs").writeFileSync(data + "/shell.mjs", "import { writeFileSync } from 'fs'; writeFileSync(" + JSON.stringify(data + "/ran") + ", 'evil-ran-' + 6 * 7)");
require("node:test").run({ files: [data + "/shell.mjs"] }).resume().on("end", () => console.log(require("fs").readFileSync(data + "/ran", "utf8")));`,
	),
];

export const bindings: readonly Technique[] = [
	withText(
		"script of process.binding('contextify')",
		`const { ContextifyScript } = process.binding("contextify");
const script = new ContextifyScript(text, "x", 0, 0, undefined, false, undefined, Symbol("x"));
script.runInContext(null, -1, true, false, false);`,
	),
	withText(
		"compileFunction of process.binding('contextify')",
		`const { compileFunction } = process.binding("contextify");
compileFunction(text, "x", 0, 0, undefined, false, undefined, [], [], Symbol("x")).function();`,
	),
	withText(
		"compileFunctionForCJSLoader of process.binding('contextify')",
		`process.binding("contextify").compileFunctionForCJSLoader(text, "x", false, false).function(
  {}, require, module, __filename, __dirname);`,
	),
	withData(
		"child by process.binding('spawn_sync')",
		`process.binding("spawn_sync").spawn({ file: "/bin/sh", args: ["sh", data + "/evil.sh"], envPairs: [],
  stdio: [{ type: "inherit", fd: 0 }, { type: "inherit", fd: 1 }, { type: "inherit", fd: 2 }] });`,
	),
	withData(
		"child by process.binding('process_wrap')",
		`const { Process } = process.binding("process_wrap");
const file = "/bin/sh", args = ["sh", data + "/evil.sh"];
const stdio = [{ type: "ignore" }, { type: "fd", fd: 1 }, { type: "fd", fd: 2 }];
if (Number.parseInt(process.versions.node) < 24) new Process().spawn({ file, args, envPairs: [], stdio });
else new Process().spawn(file, args, undefined, [], stdio, 0);
setTimeout(() => {}, 300);`,
	),
	withText(
		"internal bindings by --expose-internals",
		`const { internalBinding } = require("internal/test/binding");
const { compileFunction } = internalBinding("contextify");
compileFunction(text, "x", 0, 0, undefined, false, undefined, [], [], Symbol("x")).function();`,
		{ flags: () => ["--expose-internals"] },
	),
	withText(
		"reader of process.binding('fs') replaced under the loader",
		`const binding = process.binding("fs");
for (const name of Object.keys(binding)) if (name.startsWith("read")) try { binding[name] = () => text; } catch {}
try { require("./dep.js"); } catch {}
require(data + "/evil.js");`,
	),
];
