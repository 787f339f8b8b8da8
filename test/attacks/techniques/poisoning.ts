/**
 * These techniques change built-ins. A tricked program changes built-ins, so that they return false values to checks in
 * the same realm. Then each technique loads a signed file, whose text the changed built-in could replace, and an
 * unsigned file, which the changed built-in could let pass.
 */

import { EVIL, type Technique } from "../technique.js";

const poison = (name: string, lie: string): Technique => ({
	name: `poisoned ${name}`,
	signed: {
		"main.js": `const data = process.argv[2];
const fs = require("fs");
const crypto = require("crypto");
const text = fs.readFileSync(data + "/evil.txt", "utf8");
const good = fs.readFileSync(__dirname + "/dep.js");
const goodDigest = crypto.createHash("sha256").update(good).digest("hex");
${lie}
for (const load of [() => require("./dep.js"), () => require(data + "/evil.js"), () => require("./deep.js")])
  try { load(); } catch {}
import("./dep.mjs").catch(() => {}).then(() => import("file://" + data + "/evil.mjs")).catch(() => {});`,
		"dep.js": "exports.good = true;\n",
		"dep.mjs": "export const good = true;\n",
		"deep.js": "exports.good = true;\n",
	},
	changed: { "deep.js": EVIL },
});

export const poisoning: readonly Technique[] = [
	poison(
		"crypto.createHash",
		`const { createHash } = crypto; crypto.createHash = () => createHash("sha256").update(good);`,
	),
	poison("crypto.hash", "crypto.hash = () => goodDigest;"),
	poison("Hash.prototype.update", "crypto.Hash.prototype.update = function () { return this; };"),
	poison(
		"Hash.prototype.digest",
		`crypto.Hash.prototype.digest = (encoding) => (encoding ? goodDigest : Buffer.from(goodDigest, "hex"));`,
	),
	poison("crypto.verify and timingSafeEqual", "crypto.verify = crypto.timingSafeEqual = () => true;"),
	poison(
		"fs.readSync",
		`const { readSync } = fs;
fs.readSync = (fd, buffer, ...rest) => { const n = readSync(fd, buffer, ...rest); good.copy(buffer); return Math.max(n, 0); };`,
	),
	poison("fs.readFileSync", `fs.readFileSync = (_, options) => (options ? text : Buffer.from(text));`),
	poison(
		"fs.openSync",
		`const { openSync } = fs; fs.openSync = (file, ...rest) => openSync(__dirname + "/dep.js", ...rest);`,
	),
	poison(
		"fs.fstatSync",
		`const stat = fs.statSync(__dirname + "/dep.js"); fs.fstatSync = fs.statSync = fs.lstatSync = () => stat;`,
	),
	poison(
		"fs.realpathSync",
		`const lie = (file) => (String(file).includes("dep") ? data + "/evil.js" : file); fs.realpathSync = Object.assign(lie, { native: lie });`,
	),
	poison("fs.readlinkSync", `fs.readlinkSync = () => __dirname + "/dep.js";`),
	poison(
		"Stats.prototype.isFile",
		"fs.Stats.prototype.isFile = () => true; Object.defineProperty(fs.Stats.prototype, 'size', { get: () => good.length });",
	),
	poison("TextDecoder.prototype.decode", "TextDecoder.prototype.decode = () => text;"),
	poison(
		"Buffer.prototype.toString",
		"Buffer.prototype.toString = Buffer.prototype.utf8Slice = Buffer.prototype.latin1Slice = Buffer.prototype.asciiSlice = () => text;",
	),
	poison(
		"Buffer.prototype.equals",
		"Buffer.prototype.equals = Buffer.prototype.compare = () => true; Buffer.compare = () => 0;",
	),
	poison(
		"Buffer.from, concat and alloc",
		`Buffer.from = Buffer.concat = () => good; Buffer.alloc = Buffer.allocUnsafe = Buffer.allocUnsafeSlow = () => good;`,
	),
	poison(
		"typed array methods",
		`const Typed = Object.getPrototypeOf(Uint8Array.prototype);
for (const name of ["subarray", "slice"]) Typed[name] = () => good;
for (const name of ["set", "fill", "copyWithin"]) Typed[name] = function () { return this; };`,
	),
	poison(
		"typed array getters",
		`const Typed = Object.getPrototypeOf(Uint8Array.prototype);
for (const name of ["length", "byteLength"]) Object.defineProperty(Typed, name, { get: () => good.length });`,
	),
	poison("global Uint8Array", "globalThis.Uint8Array = class extends Uint8Array { constructor() { super(good); } };"),
	poison(
		"Map.prototype.get",
		`const { get } = Map.prototype; Map.prototype.get = function (key) {
  return get.call(this, key) ?? (typeof key === "string" && key.includes("evil") ? { kind: "file", sha256: goodDigest, size: good.length, trusted: true } : undefined); };`,
	),
	poison("Map.prototype.has and Set.prototype.has", "Map.prototype.has = Set.prototype.has = () => true;"),
	poison(
		"Array.prototype.includes and indexOf",
		"Array.prototype.includes = Array.prototype.some = Array.prototype.every = () => true; Array.prototype.indexOf = Array.prototype.findIndex = () => 0;",
	),
	poison(
		"Array.prototype.filter, map and find",
		"Array.prototype.filter = () => []; Array.prototype.find = Array.prototype.at = function () { return this[0]; };",
	),
	poison("Array.prototype.push", "Array.prototype.push = Array.prototype.unshift = () => 1;"),
	poison("array iterator", `Array.prototype[Symbol.iterator] = function* () {};`),
	poison(
		"array iterator's next",
		`Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true, value: undefined });`,
	),
	poison(
		"Array.prototype indexes",
		`Object.defineProperty(Array.prototype, 0, { get: () => __dirname + "/dep.js", set() {}, configurable: true });`,
	),
	poison(
		"String.prototype.startsWith and includes",
		"String.prototype.startsWith = String.prototype.endsWith = String.prototype.includes = () => true;",
	),
	poison(
		"String.prototype.slice and substring",
		`String.prototype.slice = String.prototype.substring = String.prototype.substr = () => "dep.js";`,
	),
	poison("String.prototype.split", `String.prototype.split = () => ["dep.js"];`),
	poison(
		"String.prototype.replace",
		`String.prototype.replace = String.prototype.replaceAll = () => __dirname + "/dep.js";`,
	),
	poison(
		"String.prototype.charCodeAt",
		"String.prototype.charCodeAt = String.prototype.codePointAt = () => 47; String.prototype.localeCompare = () => 0;",
	),
	poison(
		"String.prototype.toLowerCase and toString",
		"String.prototype.toLowerCase = String.prototype.toString = String.prototype.valueOf = String.prototype.normalize = () => goodDigest;",
	),
	poison("RegExp.prototype.exec", "RegExp.prototype.exec = RegExp.prototype.test = () => null;"),
	poison(
		"RegExp.prototype[Symbol.replace]",
		`RegExp.prototype[Symbol.replace] = () => text; RegExp.prototype[Symbol.split] = () => [];`,
	),
	poison(
		"Promise.prototype.then",
		"const { then } = Promise.prototype; Promise.prototype.then = function (done) { return then.call(this, done, () => done?.(text)); };",
	),
	poison(
		"Function.prototype.call and apply",
		"Function.prototype.call = Function.prototype.apply = function () { return undefined; };",
	),
	poison("Function.prototype.bind", "Function.prototype.bind = () => () => true;"),
	poison("Reflect.apply", "Reflect.apply = Reflect.construct = () => true;"),
	poison("Object.prototype.get", `Object.prototype.get = () => text;`),
	poison(
		"Object.prototype.set and value",
		`Object.prototype.set = () => true; Object.prototype.value = () => true; delete Object.prototype.value;`,
	),
	poison(
		"Object.prototype proxy traps",
		`for (const trap of ["apply", "construct", "ownKeys", "getOwnPropertyDescriptor", "defineProperty", "getPrototypeOf"])
  Object.defineProperty(Object.prototype, trap, { value: (target) => (trap === "ownKeys" ? [] : undefined), configurable: true, writable: true });`,
	),
	poison(
		"Object.prototype verdict",
		`Object.assign(Object.prototype, { trusted: true, allowed: true, kind: "file", rule: "x", development: "allow", sha256: goodDigest });`,
	),
	poison(
		"Object.prototype options",
		`Object.assign(Object.prototype, { shortCircuit: true, format: "commonjs", source: text, mode: "off", onRefusal: "throw" });`,
	),
	poison(
		"Object.freeze and defineProperty",
		"Object.freeze = (x) => x; Object.defineProperty = (x) => x; Object.keys = Object.entries = () => [];",
	),
	poison("JSON.parse", `JSON.parse = () => ({ main: "../evil.js", type: "commonjs" });`),
	poison(
		"DataView.prototype.getUint32",
		"DataView.prototype.getUint32 = DataView.prototype.getUint8 = DataView.prototype.getUint16 = () => 0;",
	),
	poison(
		"Number, Math and parseInt",
		"Math.min = Math.max = Math.floor = () => 0; globalThis.parseInt = Number.parseInt = () => 0; Number.isInteger = Number.isSafeInteger = () => true;",
	),
	poison("process.exit", "process.exit = process.reallyExit = process.abort = process.kill = () => {};"),
	poison(
		"exit of an 'exit' listener",
		`process.on("exit", () => { process.exitCode = 0; require(data + "/evil.js"); });`,
	),
	poison(
		"Error.prepareStackTrace",
		`Error.prepareStackTrace = () => { require(data + "/evil.js"); return ""; }; Object.defineProperty(Error.prototype, "code", { set() { throw 0; } });`,
	),
	poison("global Error", "globalThis.Error = globalThis.TypeError = function () { return { message: 'x' }; };"),
	poison(
		"process.stderr and fs.writeSync",
		"process.stderr.write = () => { throw 0; }; fs.writeSync = (fd, s) => { if (fd !== 1) throw 0; process._rawDebug(s); };",
	),
	poison(
		"process.execArgv, env and versions",
		`process.execArgv = []; Object.defineProperty(process, "env", { value: {} }); Object.defineProperty(process.versions, "node", { value: "1.0.0" });`,
	),
	poison(
		"path and url",
		`const path = require("path"), url = require("url");
const { resolve } = path, { fileURLToPath } = url;
const lie = (file) => (file.endsWith("dep.js") ? data + "/evil.js" : file);
path.resolve = (...parts) => lie(resolve(...parts)); path.relative = () => "dep.js"; url.fileURLToPath = (at) => lie(fileURLToPath(at));`,
	),
	poison(
		"URL.prototype",
		`for (const name of ["href", "pathname", "protocol"]) Object.defineProperty(URL.prototype, name, { get: () => "file://" + __dirname + "/dep.mjs" });`,
	),
	poison(
		"EventEmitter.prototype.emit",
		`require("events").prototype.emit = () => true; require("diagnostics_channel").Channel.prototype.publish = () => { throw 0; };`,
	),
];
