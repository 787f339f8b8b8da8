/** Writes catalogs of many members, and measures the memory of the program that reads them. */

import { execFileSync } from "../../../test/outside.js";

const core = new URL("../../core/dist/", import.meta.url).href;

/** Writes an unsigned catalog. With another `salt`, every thousandth member has another digest. */
export function writeLargeCatalog(file: string, members: number, salt = ""): void {
	const args = ["--input-type=module", "-", file, String(members), salt];
	execFileSync(process.execPath, args, { input: WRITE });
}

/** A script that writes an unsigned catalog of many members. Their paths are sorted, but their tags are not. */
const WRITE = `
	import { createHash } from "node:crypto";
	import { writeFileSync } from "node:fs";
	import { encodeCatalog } from "${core}formats/cat-encode.js";
	import { encodeUnsigned } from "${core}formats/cat-envelope.js";
	import { entryFacts } from "${core}formats/cat-facts.js";

	const [, , file, number, salt] = process.argv;
	const count = Number(number);
	const pathOf = (row) => "modules/" + String(row).padStart(8, "0") + "/index.js";
	const size = pathOf(0).length;
	const pathBytes = Buffer.alloc(size * count);
	const digests = new Uint8Array(32 * count);
	for (let row = 0; row < count; row++) {
		pathBytes.write(pathOf(row), size * row);
		digests.set(createHash("sha256").update(pathOf(row) + (row % 1000 === 7 ? salt : "")).digest(), 32 * row);
	}
	const manifest = {
		root: "/", count, pathBytes, pathOffsets: Uint32Array.from({ length: count + 1 }, (_, row) => size * row),
		kinds: new Uint8Array(count), modes: new Uint16Array(count).fill(0o644), sizes: new Float64Array(count).fill(1),
		digestBytes: 32, digests, linkTargets: new Map(), ignoredCount: 0, problems: [],
	};
	const facts = {
		product: "big", sequence: 1, modes: "posix", links: "record", caseCollisions: "refuse", ignore: [], include: [],
		scope: "root", ...entryFacts(manifest),
	};
	writeFileSync(file, Buffer.concat(encodeUnsigned(encodeCatalog(manifest, facts, { thisUpdate: 0 }))));
`;

/** Prints the peak of the process's resident memory, in KiB, when the process ends. */
export const MEASURE = `
	const { readFileSync, writeFileSync } = require("node:fs");
	process.on("exit", () => {
		writeFileSync(process.env.PEAK_FILE, /VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "latin1"))[1]);
	});
`;
