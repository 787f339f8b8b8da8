/**
 * These techniques make Node.js compile other text than the hook judged, lift the ban on code from text, or start a child
 * below the guarded functions.
 */

import { DATA, TEXT, type Technique } from "../technique.js";
import { inModule, inScript, inWorker, type MakeTechnique } from "./programs.js";

/** A signed TypeScript file, and changed built-ins by which the removal of its types gives other text. */
const TYPES = {
	signed: {
		"dep.ts": "const n: number = 1;\n",
		"dep.mts": "export const n: number = 1;\n",
		"dep.cts": "const n: number = 1;\n",
	},
} as const;
const BY_DECODER = `const { decode } = TextDecoder.prototype;
TextDecoder.prototype.decode = function (bytes) {
  const found = decode.call(this, bytes);
  return found.includes("const n") && !found.includes(": number") ? text : found;
};
`;
const BY_SUBARRAY = `const { subarray } = Uint8Array.prototype;
Object.getPrototypeOf(Uint8Array.prototype).subarray = function (start, end) {
  const bytes = subarray.call(this, start, end);
  const found = Buffer.from(bytes).toString();
  return found.includes("const n") && !found.includes(": number") ? Buffer.from(text) : bytes;
};
`;
const BY_CODE = `Object.defineProperty(Object.prototype, "code", { get: () => text, set() {}, configurable: true });\n`;
const BY_WRAP = `const Module = require("module");
class Wrapping extends Module {}
const mine = new Module(__dirname + "/dep.ts");
for (const symbol of Object.getOwnPropertySymbols(module)) {
  if (symbol.description !== "kURL") continue;
  Object.defineProperty(mine, symbol, { get() { Module.wrap = (script) => "(function () {" + text + "})"; return "file://" + __dirname + "/dep.ts"; }, set() {} });
}
try { mine._compile(require("fs").readFileSync(__dirname + "/dep.ts", "utf8"), __dirname + "/dep.ts", "commonjs-typescript"); } catch {}
`;
/** Unguarded Node.js loads the attacker's file as well. */
const ANYHOW = `try { require(data + "/evil.js"); } catch {}`;

export const otherTexts: readonly Technique[] = [
	inScript(
		"types removed with another TextDecoder",
		`${TEXT}${BY_DECODER}try { require("./dep.ts"); } catch {}\n${ANYHOW}`,
		TYPES,
	),
	inModule(
		"types of a module removed with another TextDecoder",
		`${TEXT}${BY_DECODER}await import("./dep.mts").catch(() => {});\n${ANYHOW}`,
		TYPES,
	),
	inWorker(
		"types removed with another TextDecoder in a worker",
		`${TEXT}${BY_DECODER}try { require("./dep.cts"); } catch {}\n${ANYHOW}`,
		TYPES,
	),
	inScript(
		"types removed with another subarray()",
		`${TEXT}${BY_SUBARRAY}try { require("./dep.ts"); } catch {}\n${ANYHOW}`,
		TYPES,
	),
	inScript(
		"types removed with code on Object.prototype",
		`${TEXT}${BY_CODE}try { require("./dep.ts"); } catch {}\n${ANYHOW}`,
		TYPES,
	),
	inModule(
		"types of a module removed with code on Object.prototype",
		`${TEXT}${BY_CODE}await import("./dep.mts").catch(() => {});\n${ANYHOW}`,
		TYPES,
	),
	inScript("Module.wrap replaced while types are removed", `${TEXT}${BY_WRAP}${ANYHOW}`, TYPES),
];

const FLAG = "--no-disallow-code-generation-from-strings";
/** After the flag, V8 lets the next thread make code of text. */
const flag = (name: string, make: MakeTechnique, flags: string): Technique =>
	make(
		name,
		`${DATA}require("v8").setFlagsFromString(${JSON.stringify(flags)});
new (require("worker_threads").Worker)(__dirname + "/evals.js", { argv: [data] });`,
		{ signed: { "evals.js": `${TEXT}eval(text);` } },
	);

export const flags: readonly Technique[] = [
	flag("V8 flag behind a tab", inScript, `--stack-size=984\t${FLAG}`),
	flag("V8 flag behind a line feed", inScript, `--stack-size=984\n${FLAG}`),
	flag("V8 flag behind a form feed in a module", inModule, `--stack-size=984\f${FLAG}`),
	flag("V8 flag behind a vertical tab in a worker", inWorker, `--stack-size=984\v${FLAG}`),
	flag("V8 flag behind a carriage return", inScript, `--max-lazy\r${FLAG}`),
];

/** Signed text that does nothing, unless a lone surrogate is in the place of its first character. */
const REPLACED = `if ("\ufffd".charCodeAt(0) === 0xd800) process.getBuiltinModule("fs").writeSync(1, \`evil-ran-\${6 * 7}\\n\`);\n`;
const SURROGATE = `const fs = require("fs"), file = __dirname + "/dep.js";
const other = fs.readFileSync(file, "utf8").replace("\\ufffd", "\\ud800");
`;
const surrogate = (name: string, make: MakeTechnique, program: string): Technique =>
	make(name, SURROGATE + program, { signed: { "dep.js": REPLACED } });
const COMPILED = `const Module = require("module"); new Module(file)._compile(other, file);`;

export const surrogates: readonly Technique[] = [
	surrogate("lone surrogate by module._compile()", inScript, COMPILED),
	surrogate("lone surrogate by module._compile() in a worker", inWorker, COMPILED),
	surrogate(
		"lone surrogate by vm.Script in a module",
		inModule,
		`new (require("vm").Script)(other, { filename: file }).runInThisContext();`,
	),
	surrogate("lone surrogate by vm.runInThisContext()", inScript, `require("vm").runInThisContext(other, file);`),
	surrogate(
		"lone surrogate by vm.compileFunction()",
		inScript,
		`require("vm").compileFunction(other, [], { filename: file })();`,
	),
];

/** Node.js 24 and later take file and arguments one by one, earlier releases in one object. */
const SPAWN = `const file = "/bin/sh", args = ["sh", data + "/evil.sh"], stdio = [0, 1, 2].map((fd) => ({ type: "fd", fd }));
const begin = (handle) =>
  parseInt(process.versions.node) < 24
    ? handle.spawn({ file, args, stdio })
    : handle.spawn(file, args, undefined, undefined, stdio, 0, undefined, undefined);
const { ChildProcess } = require("child_process");
`;

export const handles: readonly Technique[] = [
	inScript("child by the handle of ChildProcess", `${DATA}${SPAWN}begin(new ChildProcess()._handle);`),
	inModule("child by the handle of ChildProcess in a module", `${DATA}${SPAWN}begin(new ChildProcess()._handle);`),
	inWorker("child by the handle of ChildProcess in a worker", `${DATA}${SPAWN}begin(new ChildProcess()._handle);`),
	inScript("child by the class of the handle", `${DATA}${SPAWN}begin(new (new ChildProcess()._handle.constructor)());`),
];
