/** Hashes the tree argv[2] without catalog and signature. Prints the line "files bytes sum" that hash-tree.c prints. */

import { hashFileSet } from "../packages/core/dist/fileset/hash/hash-files.js";
import { ENTRY_KIND } from "../packages/core/dist/fileset/manifest.js";

const { count, kinds, sizes, digests } = await hashFileSet(process.argv[2], {});
const digestWords = new Uint32Array(digests.buffer, digests.byteOffset, 8 * count);
const sum = new Uint32Array(8);
let files = 0;
let bytes = 0;
for (let entry = 0; entry < count; entry++) {
	if (kinds[entry] === ENTRY_KIND.link) continue;
	for (let word = 0; word < 8; word++) sum[word] += digestWords[8 * entry + word];
	files++;
	bytes += sizes[entry];
}
process.stdout.write(`${files} ${bytes} ${[...sum].map((word) => word.toString(16).padStart(8, "0")).join("")}\n`);
