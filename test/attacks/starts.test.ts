/**
 * Starts each technique of a hole many times, because some depend on chance. A start without unsigned code counts only if
 * the program began. This takes hours, so only `.ci/full` does it. SIGTOOL_STARTS changes the number of starts.
 */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { atEndOfFile } from "../temporary.js";
import { hasLauncher, install, runtimeOf } from "./modes.js";
import { buildLibraries, hasCompiler } from "./native.js";
import { attack, makeSite, run } from "./site.js";
import { RELEASES, type Technique } from "./technique.js";
import { freedBuffers } from "./techniques/freed-buffers.js";
import { filters, loaderModes } from "./techniques/native.js";

const STARTS = Number(process.env.SIGTOOL_STARTS ?? 50);
const BEGUN = "the program has begun";
const HOLES = { "freed buffers": freedBuffers, "modes of the loader": loaderModes, "filter libraries": filters };

const scratch = nosuidDirectory(atEndOfFile);
const libraries = hasCompiler ? buildLibraries(scratch) : undefined;

let places = 0;

/** Makes the program say that it has begun, before anything else in it runs. */
function saying(technique: Technique): Technique {
	const { "main.js": script, "main.mjs": module } = technique.signed;
	const [name, text] =
		module === undefined
			? ["main.js", `require("fs").writeSync(1, "${BEGUN}\\n");\n${script}`]
			: ["main.mjs", `import { writeSync as say } from "node:fs"; say(1, "${BEGUN}\\n");\n${module}`];
	return { ...technique, signed: { ...technique.signed, [name]: text } };
}

describe.skipIf(!hasLauncher || process.arch !== "x64").each(RELEASES)("Node.js %i", (release) => {
	const cases = Object.entries(HOLES).flatMap(([hole, techniques]) =>
		techniques
			.filter(({ notOn }) => notOn?.[release] === undefined)
			.map((technique) => [hole, technique.name, technique] as const),
	);
	test.each(cases)(`%s: no start of ${STARTS} runs unsigned code, %s`, async (_hole, _name, original) => {
		if (original.native && libraries === undefined) return;
		for (const mode of ["strict", "gate"] as const) {
			const technique = saying(original);
			const root = join(scratch, String(places++));
			const runtime = runtimeOf(mode, release, nodeOfRelease(String(release)), root);
			const site = makeSite(root, runtime, [technique], libraries);
			await install(root, runtime);
			const counts = { begun: 0, evil: 0 };
			attack(site, technique, libraries);
			for (let start = 0; start < STARTS; start++) {
				const { evil, output } = await run(site, technique, runtime);
				if (evil) counts.evil++;
				if (output.includes(BEGUN)) counts.begun++;
			}
			rmSync(root, { recursive: true });
			expect({ mode, ...counts }).toEqual({ mode, begun: STARTS, evil: 0 });
		}
	});
});
