/**
 * Hashes the files of the directory argv[3] by the addon argv[2] alone, with three threads. Prints the digest of each
 * file in the order of their names, in lower-case hexadecimal.
 */

import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { createRowWriter } from "../../../dist/fileset/hash/row-writer.js";
import { allocateRows, bufferOver, COUNTER } from "../../../dist/fileset/hash/shared-rows.js";

const [, , addon, directory] = process.argv;
const native = createRequire(import.meta.url)(addon);
const names = readdirSync(directory).sort();
const rows = allocateRows({ rows: names.length, pathBytes: 2 ** 20 }, 32, "none");
createRowWriter(rows).addFiles("", names);
Atomics.store(rows.counters, COUNTER.published, names.length);
Atomics.store(rows.counters, COUNTER.complete, 1);
const job = native.start(rows, `${directory}/`, 3, undefined);
while (Atomics.load(rows.counters, COUNTER.finished) < names.length) Atomics.wait(rows.counters, COUNTER.news, 0, 5);
native.stop(job);
const digests = bufferOver(rows.digests);
for (const row of names.keys()) process.stdout.write(`${digests.toString("hex", 32 * row, 32 * row + 32)}\n`);
