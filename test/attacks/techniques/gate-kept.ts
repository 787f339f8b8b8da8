/**
 * These techniques attack how the native gate keeps a text as it was judged: by the ways in which V8 and Node.js make
 * strings, by long texts, and by a lack of memory.
 */

import { DATA, EVIL, type Technique, withText } from "../technique.js";

const WORKER = `const { Worker, isMainThread } = require("worker_threads");\n`;
const RUN = `require("vm").runInThisContext(made);`;
/** The length from which the gate has V8 compile an internalized string, and more. */
const LONG = 70_000;

/** Strings that V8 holds in different ways, or that begin and end as few texts do. */
const made: readonly Technique[] = [
	["text in the description of a symbol", "Symbol(text).description"],
	["text in a registered symbol", "Symbol.keyFor(Symbol.for(text.padEnd(7e4)))"],
	["text by String.raw()", "String.raw({ raw: [text] })"],
	["text by JSON.parse()", "JSON.parse(JSON.stringify(text.padEnd(7e4)))"],
	["text joined of characters", `Array.from(text.padEnd(${LONG})).join("")`],
	["text that a regular expression has flattened", `(/x$/.test(made_), made_)`],
	["part of a text outside of V8's heap", `Buffer.from("\\n" + text.padEnd(3e6)).toString("latin1").slice(1)`],
	[
		"text of two bytes a character that is the name of a member",
		`Object.keys({ [text + "//\\u20ac".padEnd(7e4)]: 1 })[0]`,
	],
	["text that is the name of a member of two objects", `Object.keys(Object.assign({ [made_]: 1 }, { [made_]: 2 }))[0]`],
	["text that ends with a zero", `text + "//\\0"`],
	["text behind the line of an interpreter", `"#!/usr/bin/node\\n" + text`],
	["text behind a comment of HTML", `"<!-- x\\n" + text`],
	["text behind a byte order mark", `"\\ufeff" + text`],
	["text in normal form", `(text + "//e\\u0301").normalize()`],
	["text by a TextDecoder", `new TextDecoder("utf-16le").decode(Buffer.from(text.padEnd(${LONG}), "utf16le"))`],
	["text by a structured clone", `structuredClone({ text: text.padEnd(${LONG}) }).text`],
].map(([name = "", expression]) =>
	withText(name, `const made_ = text.trim().padEnd(${LONG}, ";") + "/" + "/", made = ${expression};\n${RUN}`),
);

/** Text that is longer than a whole signed text, part of it, or made of it. */
const ofSigned = (name: string, expression: string): Technique => ({
	...withText(name, ""),
	signed: {
		"main.js": `const fs = require("fs"), data = process.argv[2], text = fs.readFileSync(data + "/evil.txt", "utf8");
const signed = fs.readFileSync(__dirname + "/long.js", "latin1"), made = ${expression};
${RUN}`,
		"long.js": `${`globalThis.signed = "`.padEnd(LONG, "x")}";\n`,
	},
});
const signed: readonly Technique[] = [
	ofSigned("text behind a long signed text", "signed + text"),
	ofSigned("text before a long signed text", "text + signed"),
	ofSigned(
		"text between two halves of a long signed text",
		`signed.slice(0, 60000) + '";' + text + '"' + signed.slice(60000)`,
	),
	ofSigned("long signed text as the value of a member", `(({ [signed]: value }) => value)({ [signed]: text })`),
];

/** The program gets the very string that the gate has lent to V8. */
const lent: readonly Technique[] = [
	{
		name: "part of a signed text that the gate has lent",
		signed: {
			"main.js": `const Module = require("module"), { _compile } = Module.prototype;
let lent;
Module.prototype._compile = function (content, ...rest) {
  lent = content;
  return _compile.call(this, content, ...rest);
};
require("./dep.js");
new Module(__filename)._compile(lent.slice(2, lent.indexOf("//")), __dirname + "/dep.js");`,
			"dep.js": `/*${EVIL.trim().replace("6 * 7", "[6].map((six) => 7 * six)")}//${"x".repeat(LONG)}*/\n`,
		},
	},
	{
		name: "text of a megabyte that differs at its end from a signed one",
		signed: {
			"main.js": `${DATA}const fs = require("fs"), file = __dirname + "/long.js";
const evil = fs.readFileSync(data + "/evil.txt", "utf8").trim(), signed = fs.readFileSync(file, "utf8");
require(file);
new (require("module"))(file)._compile(signed.slice(0, -evil.length - 2) + "*/" + evil, file);`,
			// Two threads read and digest a file from this size on.
			"long.js": `/*${"-".repeat((1 << 20) - 4)}*/`,
		},
	},
];

const strings: readonly Technique[] = [
	withText("eval of a long text", `eval(text.padEnd(${LONG}));`),
	withText("eval of a long text that is the name of a member", `eval(Object.keys({ [text.padEnd(${LONG})]: 1 })[0]);`),
	withText("Function of a long text", `new Function("process", text.padEnd(${LONG}))(process);`),
	withText(
		"Function with a long default of a parameter",
		`new Function("process", "a = " + text.trim().replace(/;$/, "") + " ".repeat(${LONG}), "")(process);`,
	),
	withText(
		"function whose parameter has a name of two megabytes",
		`require("vm").compileFunction(text, [Object.keys({ [Buffer.alloc(2e6, "a").toString("latin1")]: 1 })[0]])();`,
	),
	withText(
		"module of a long data: URL",
		`import("data:text/javascript," + encodeURIComponent(text) + "//" + "x".repeat(${LONG}));`,
	),
	withText("worker of a long text", `${WORKER}new Worker(text.padEnd(${LONG}), { eval: true });`),
];

const moments: readonly Technique[] = [
	withText(
		"text of eight megabytes in a worker with little memory",
		`${WORKER}if (isMainThread) {
  new Worker(__filename, { argv: [data], resourceLimits: { maxOldGenerationSizeMb: 32 } }).on("error", () => {});
} else require("vm").runInThisContext(text.padEnd(2 ** 23));`,
	),
	withText(
		"text that is collected while it is compiled",
		`require("v8").setFlagsFromString("--expose-gc");
const { runInThisContext } = require("vm");
for (let i = 0; i < 50; i++) {
  const parts = Array.from({ length: 2000 }, () => "/*" + "x".repeat(100) + "*/");
  runInThisContext(parts.join("") + text);
}`,
	),
	withText(
		"text that two threads compile while each makes it the name of a member",
		`${WORKER}if (isMainThread) new Worker(__filename, { argv: [data] });
const members = {};
for (let i = 0; i < 20; i++) {
  const made = text.padEnd(${LONG} + i);
  members[made] = i;
  require("vm").runInThisContext(made);
}`,
	),
];

export const gateKept: readonly Technique[] = [...made, ...signed, ...lent, ...strings, ...moments];
