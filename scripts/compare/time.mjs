/**
 * Measures how long each tool takes to sign and to verify a tree of 200 scripts of 4 KiB, with a process for each file where
 * the tool knows only single files. Prints a table; docs/explanation/comparison.md has one of them.
 *
 * Usage: `node scripts/compare/time.mjs`, after a build and on a machine that does nothing else.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canRun, makeKeys, TOOLS } from "./tools.mjs";

const FILES = 200;
const ROUNDS = 3;
const scratch = mkdtempSync(join(tmpdir(), "sigtool-compare-"));
try {
	const keys = join(scratch, "keys");
	mkdirSync(keys);
	makeKeys(keys);
	console.log("| tool | sign | verify |\n|---|---|---|");
	for (const tool of TOOLS.filter(canRun)) {
		const rounds = Array.from({ length: ROUNDS }, () => round(tool, keys));
		const seconds = ["sign", "verify"].map((part) => `${Math.min(...rounds.map((times) => times[part])).toFixed(2)} s`);
		console.log(`| ${tool.name} | ${seconds.join(" | ")} |`);
	}
} finally {
	rmSync(scratch, { recursive: true, force: true });
}

/** Returns the seconds that signing and verifying a new tree take. */
function round(tool, keys) {
	const folder = join(scratch, "app");
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder);
	for (let index = 0; index < FILES; index++)
		writeFileSync(join(folder, `${index}.ps1`), `Write-Output '${index}'\n`.padEnd(4096, "#\n"));
	const sign = secondsOf(() => tool.sign(folder, keys));
	const verify = secondsOf(() => {
		const { status, lines } = tool.verify(folder, keys);
		if (status !== 0) throw new Error(`Cannot measure: ${tool.name} refuses the tree:\n${lines.join("\n")}`);
	});
	return { sign, verify };
}

function secondsOf(run) {
	const start = performance.now();
	run();
	return (performance.now() - start) / 1000;
}
