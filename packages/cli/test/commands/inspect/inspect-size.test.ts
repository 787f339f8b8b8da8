import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../support.js";

const main = fileURLToPath(new URL("../../../dist/main.cjs", import.meta.url));
const core = new URL("../../../../core/dist/", import.meta.url).href;
const MEMBERS = 1_000_000;

/** A script that writes an unsigned catalog of many members. Their paths are sorted, but their tags are not. */
const WRITE = `
	import { createHash } from "node:crypto";
	import { writeFileSync } from "node:fs";
	import { encodeCatalog } from "${core}formats/cat-encode.js";
	import { encodeUnsigned } from "${core}formats/cat-envelope.js";
	import { entryFacts } from "${core}formats/cat-facts.js";

	const [, , file, number] = process.argv;
	const count = Number(number);
	const pathOf = (row) => "modules/" + String(row).padStart(8, "0") + "/index.js";
	const size = pathOf(0).length;
	const pathBytes = Buffer.alloc(size * count);
	const digests = new Uint8Array(32 * count);
	for (let row = 0; row < count; row++) {
		pathBytes.write(pathOf(row), size * row);
		digests.set(createHash("sha256").update(pathOf(row)).digest(), 32 * row);
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
const MEASURE = `
	const { readFileSync, writeFileSync } = require("node:fs");
	process.on("exit", () => {
		writeFileSync(process.env.PEAK_FILE, /VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "latin1"))[1]);
	});
`;

describe.skipIf(!existsSync("/proc/self/status"))("sigtool inspect of a million members (needs /proc)", () => {
	it("13.15: --json lists them in path order and stays under 300 MiB", { timeout: 600_000 }, async () => {
		const directory = temporaryDirectory();
		const at = (name: string) => join(directory, name);
		execFileSync(process.execPath, ["--input-type=module", "-", at("big.cat"), String(MEMBERS)], { input: WRITE });
		writeFileSync(at("measure.cjs"), MEASURE);
		const program = spawn(
			process.execPath,
			["--require", at("measure.cjs"), main, "inspect", "--json", at("big.cat")],
			{
				env: { ...process.env, PEAK_FILE: at("peak") },
				stdio: ["ignore", "pipe", "inherit"],
			},
		);
		const ended = new Promise<number | null>((resolve) => program.on("close", resolve));
		let count = 0;
		let previous = "";
		let outOfOrder = 0;
		// The document is longer than the longest string of JavaScript. So only the lines outside of the list of
		// members are parsed as JSON.
		const others: string[] = [];
		let isMember = false;
		for await (const line of createInterface({ input: program.stdout })) {
			if (line === "\t],") isMember = false;
			if (!isMember) others.push(line);
			if (line === '\t"members": [') isMember = true;
			const name = isMember ? /^\t\t\t"name": "(.*)",$/.exec(line)?.[1] : undefined;
			if (name === undefined) continue;
			if (name <= previous) outOfOrder++;
			previous = name;
			count++;
		}
		expect(await ended).toBe(0);
		expect({ count, outOfOrder, last: previous }).toEqual({
			count: MEMBERS,
			outOfOrder: 0,
			last: "modules\\\\00999999\\\\index.js",
		});
		expect(JSON.parse(others.join("\n"))).toMatchObject({ command: "inspect", exit: 0, members: [], warnings: [] });
		expect(Number(readFileSync(at("peak"), "utf8"))).toBeLessThan(300 * 1024);
	});
});
