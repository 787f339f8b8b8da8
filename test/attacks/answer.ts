/** Runs a signed program that prints its findings as JSON. */

import { expect } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { install, type Mode, runtimeOf } from "./modes.js";
import { attack, makeSite, run } from "./site.js";
import type { Files, Place, Release } from "./technique.js";

export interface Program {
	readonly release: Release;
	/** The binary of the release. Default: that of nodeOfRelease(). */
	readonly node?: string;
	/** Default: "enforce". */
	readonly mode?: Mode;
	/** The files to sign. `main.js` is the program. */
	readonly signed: Files;
	/** If it is "throw", the program goes on after a refusal, and may print events of the verdict `refuse`. */
	readonly onRefusal?: "exit" | "throw";
	/** If they are "expected", the program goes on after refusals that throw whatever `onRefusal` says. */
	readonly refusals?: "expected";
	/** Returns a program that starts the real command. */
	readonly through?: readonly string[];
	/** Starts something that goes on while the program runs. Returns a function that ends it. */
	readonly beside?: (place: Place) => () => void;
}

/** JavaScript with a function that returns how many bytes the gate keeps texts in: they are of no file, and read-only. */
export const KEPT_BYTES = `
	const keptBytes = () => {
		let sum = 0;
		for (const line of require("fs").readFileSync("/proc/self/maps", "latin1").split("\\n")) {
			const [range, rights, , , inode, path] = line.split(/ +/);
			if (rights !== "r--p" || inode !== "0" || path) continue;
			const [first, end] = range.split("-").map((address) => Number.parseInt(address, 16));
			sum += end - first;
		}
		return sum;
	};`;

/** Signs the files below `root`, which must not exist, and runs the program. Returns what it printed. */
export async function answer(root: string, program: Program): Promise<unknown> {
	const { release, node = nodeOfRelease(String(release)), mode = "enforce", onRefusal = "exit" } = program;
	const runtime = runtimeOf(mode, release, node, root);
	const through = program.through ?? [];
	const technique = { name: "program", signed: program.signed, through: () => through };
	const site = makeSite(root, runtime, [technique], undefined);
	if (mode !== "unguarded") await install(root, runtime, { configuration: () => ({ onRefusal }) });
	attack(site, technique, undefined);
	const end = program.beside?.(site.place(technique));
	const { status, output: printed } = await run(site, technique, runtime).finally(end);
	const goesOn = onRefusal === "throw" || program.refusals === "expected";
	const output = goesOn ? printed.replace(/^sigtool: .*"verdict":"refuse".*\n/gm, "") : printed;
	expect([status, output]).toEqual([0, expect.stringMatching(/^[{[]/)]);
	return JSON.parse(output);
}
