import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawn } from "../../../../../test/outside.js";
import { MEASURE, writeLargeCatalog } from "../../large-catalog.js";
import { temporaryDirectory } from "../../support.js";

const main = fileURLToPath(new URL("../../../dist/main.cjs", import.meta.url));
const MEMBERS = 1_000_000;

describe.skipIf(!existsSync("/proc/self/status"))("sigtool inspect of a million members (needs /proc)", () => {
	it("--json lists them in path order and stays under 300 MiB", { timeout: 600_000 }, async () => {
		const directory = temporaryDirectory();
		const at = (name: string) => join(directory, name);
		writeLargeCatalog(at("big.cat"), MEMBERS);
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
