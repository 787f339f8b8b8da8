/**
 * These techniques attack what the native gate does about single ways: texts of TypeScript, SQLite of Node.js, libraries
 * that libc loads, contexts that native code makes, and strings that it reads in pieces.
 */

import { DATA, type Technique, withData, withText } from "../technique.js";

const WORKER = `const { Worker, isMainThread } = require("worker_threads");\n`;
const NO_SQLITE = { 20: "has no node:sqlite" } as const;
/** A worker of the same file that has the modules of Node.js below all others. */
const EXPOSED = `${WORKER}if (isMainThread) new Worker(__filename, { argv: [data], execArgv: ["--expose-internals"] });\n`;

/** Makes a technique with a signed text that ends inside of a literal or a comment, which a name would end. */
const unfinished = (
	name: string,
	beginning: string,
	end: string,
	compile: string,
	unfinishedFile = "banner.txt",
): Technique => ({
	name,
	signed: {
		"main.js": `${DATA}const fs = require("fs"), file = __dirname + "/dep.ts";
const evil = fs.readFileSync(data + "/evil.txt", "utf8").trim();
const signed = fs.readFileSync(__dirname + "/${unfinishedFile}", "utf8").replace("\\ufeff", "");
const text = signed + "\\n\\n//# sourceURL=${end};" + evil + "//";
${compile}`,
		[unfinishedFile]: beginning,
		"dep.ts": "globalThis.good = true;\n",
	},
});

const unfinishedTexts: readonly Technique[] = [
	unfinished(
		"text that ends a signed literal, by vm.Script",
		"`signed",
		"`",
		`new (require("vm").Script)(text).runInThisContext();`,
	),
	unfinished(
		"text that ends a signed literal, with the address of TypeScript",
		"`signed",
		"`",
		`new (require("vm").Script)(text, { filename: file }).runInThisContext();`,
	),
	unfinished(
		"text that ends a signed comment, by module._compile()",
		"/* signed",
		"*/",
		`new (require("module"))(file)._compile(text, file);`,
	),
	unfinished(
		"text that ends a signed literal, as a module",
		"`signed",
		"`",
		`import("data:text/javascript," + encodeURIComponent(text));`,
	),
	unfinished(
		"text that ends a signed comment, between two names",
		"/* signed",
		"x\\n\\n//# sourceURL=*/",
		`new (require("module"))(file)._compile(text, file);`,
	),
	unfinished(
		"text that ends a literal of signed TypeScript",
		"`signed",
		"`",
		`new (require("vm").Script)(text, { filename: __dirname + "/banner.ts" }).runInThisContext();`,
		"banner.ts",
	),
	unfinished(
		"text that ends a comment of signed TypeScript",
		"/* signed",
		"*/",
		`new (require("module"))(__dirname + "/banner.ts")._compile(text, __dirname + "/banner.ts");`,
		"banner.ts",
	),
	// The index names the text behind the byte order mark, as it names TypeScript without types.
	unfinished(
		"text that ends a signed literal behind a byte order mark",
		"\ufeff`signed",
		"`",
		`new (require("vm").Script)(text).runInThisContext();`,
		"banner.js",
	),
];

/** A character set that libc converts with the attacker's library. */
const CHARACTER_SET = `const fs = require("fs");
fs.copyFileSync(data + "/evil.node", data + "/evil.so");
fs.writeFileSync(data + "/gconv-modules", "alias ANSI_X3.4-1968// EVIL//\\nmodule INTERNAL EVIL// evil 1\\nmodule EVIL// INTERNAL evil 1\\n");
process.env.GCONV_PATH = data;
`;
/** AI_CANONNAME and AI_CANONIDN: libidn2, which Debian has, converts the name that was found. */
const RESOLVE = `const { GetAddrInfoReqWrap, getaddrinfo } = process.binding("cares_wrap");
for (let i = 0; i < 4; i++) {
  const request = Object.assign(new GetAddrInfoReqWrap(), { oncomplete() {}, callback() {}, family: 0, hostname: "localhost" });
  getaddrinfo(request, "localhost", 0, 0x82, 0);
}
`;
const libraries: readonly Technique[] = [
	{ ...withData("library that converts a character set", CHARACTER_SET + RESOLVE), native: true },
	{
		...withData(
			"library that converts a character set, in a worker",
			`${WORKER}if (isMainThread) { ${CHARACTER_SET} new Worker(__filename, { argv: [data], env: process.env }); }\nelse { ${RESOLVE} }`,
		),
		native: true,
	},
	{
		...withData(
			"library by RTLD_NOLOAD and RTLD_DEEPBIND",
			`const open = (flags) => { try { process.dlopen({ exports: {} }, data + "/evil.node", flags); } catch {} };
for (const flags of [1 | 8, 2 | 256, 1 | 4096]) open(flags);`,
		),
		native: true,
	},
	{
		...withData(
			"library by a path below the working directory",
			`process.chdir(data); process.dlopen({ exports: {} }, "./evil.node");`,
		),
		native: true,
	},
	{
		...withData("library by setEngine() with a path", `require("crypto").setEngine(data + "/evil.node");`),
		native: true,
	},
	{
		...withData(
			"SQLite extension with the entry point of an addon",
			`const { DatabaseSync } = require("node:sqlite");
require("fs").copyFileSync(data + "/evil.node", data + "/evil.so");
new DatabaseSync(":memory:", { allowExtension: true }).loadExtension(data + "/evil.so", "napi_register_module_v1");`,
			{ notOn: NO_SQLITE },
		),
		native: true,
	},
];

const contexts: readonly Technique[] = [
	["eval in a context that an addon makes", `require("./context.node").eval(text);`],
	["Function in a context that an addon makes", `require("./context.node").Function("process", text)(process);`],
	[
		"Function in a context that an addon makes in a worker",
		`${WORKER}if (isMainThread) new Worker(__filename, { argv: [data] });
else require("./context.node").Function("process", text)(process);`,
	],
].map(([name = "", program = ""]) => ({
	name,
	native: true,
	signed: {
		"main.js": `${DATA}const text = require("fs").readFileSync(data + "/evil.txt", "utf8");
globalThis.process = process;
${program.replace(".eval(text)", `.eval("(process) => {" + text + "}")(process)`)}`,
		"context.node": { library: "context" },
	},
}));

/** Texts in the representations that V8 has for strings, and texts whose pieces end between two halves of a character. */
const strings: readonly Technique[] = [
	["part of a longer signed text", `"\\n".repeat(20) + text`, "slice(20)"],
	["text that became the name of a member", "text", ""],
	[
		"text outside of V8's heap that became the name of a member",
		`Buffer.from(text.padEnd(3e6)).toString("latin1")`,
		"",
	],
	[
		"text of two bytes a character outside of V8's heap that is Latin",
		`Buffer.from(text.padEnd(8e6), "utf16le").toString("utf16le")`,
		"",
	],
	["text behind a character that two pieces share", `"/*" + "x".repeat(2045) + "\\ud83d\\ude00*/" + text`, ""],
	["text behind half of a character that ends a piece", `"/*" + "x".repeat(2045) + "\\ud83d*/" + text`, ""],
	["text whose last piece is half of a character", `(text.trim() + "//").padEnd(4095) + "\\ud83d"`, ""],
	["text of 64 megabytes", `text.padEnd(2 ** 26)`, ""],
].map(([name = "", made, change]) =>
	withText(
		name,
		`const made = ${made}, members = { [made]: 1 };
require("vm").runInThisContext(Object.keys(members)[0]${change === "" ? "" : `.${change}`});`,
	),
);

const moments: readonly Technique[] = [
	withText(
		"vm.Script where the stack of a worker ends",
		`${WORKER}if (isMainThread) new Worker(__filename, { argv: [data], resourceLimits: { stackSizeMb: 0.3 } });
else (function deeper() { try { deeper(); } catch { new (require("vm").Script)(text).runInThisContext(); } })();`,
	),
	withText(
		"worker with a profile of its processor time",
		`${WORKER}new Worker(text, { eval: true, execArgv: ["--cpu-prof"] });`,
	),
	withText(
		"worker whose coverage is recorded",
		`${WORKER}process.env.NODE_V8_COVERAGE = data; new Worker(text, { eval: true });`,
	),
	withText(
		"text after flags of V8 that change limits",
		`const { setFlagsFromString } = require("v8");
for (const flag of ["--max-lazy", "--stack_size=4000", "--expose-gc-as=eval"]) setFlagsFromString(flag);
${WORKER}if (isMainThread) new Worker(__filename, { argv: [data] });
require("vm").runInThisContext(text);`,
	),
	withText(
		"text of a file of node:test in the same process",
		`require("node:test").run({ files: [data + "/evil.mjs"], isolation: "none" }).on("data", () => {});`,
		{ notOn: { 20: "has no such isolation" } },
	),
];

/** SQLite without node:sqlite, whose source the gate waits for. */
const below: readonly Technique[] = [
	withData(
		"function of SQLite that calls an address, without node:sqlite",
		`${EXPOSED}else {
  const sqlite = require("internal/test/binding").internalBinding("sqlite");
  const database = new (sqlite.DatabaseSync ?? sqlite.Database)(":memory:");
  // Who gets the address of a tokenizer can also give one.
  const { length } = database.prepare("select fts3_tokenizer(?) p").get("simple").p;
  console.log("evil-ran-" + (length + 34));
}`,
		{ notOn: NO_SQLITE },
	),
	withText(
		"script of the binding below node:vm",
		`${EXPOSED}else {
  const { internalBinding } = require("internal/test/binding");
  const { ContextifyScript } = internalBinding("contextify");
  const script = new ContextifyScript(text, "x", 0, 0, undefined, false, undefined, Symbol("x"));
  script.runInContext(null, -1, true, false, false);
}`,
	),
];

export const gateMends: readonly Technique[] = [
	...unfinishedTexts,
	...libraries,
	...contexts,
	...strings,
	...moments,
	...below,
];
