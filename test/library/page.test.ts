import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile, examplesOfPage, expectedOutput, runInside } from "./examples.js";
import { canMakeWorld, makeWorld, type World } from "./world.js";

const examples = examplesOfPage("docs/reference/library.md");

describe.skipIf(!canMakeWorld || process.platform !== "linux")("docs/reference/library.md", () => {
	let world: World;
	let programs: readonly string[];
	let said: string;
	beforeAll(async () => {
		world = await makeWorld();
		({ programs, said } = compile(examples, world));
	});
	afterAll(() => world?.remove());

	it("has an example of each verb, which compile as a program in strict TypeScript", () => {
		expect(said).toBe("");
		const headings = ["Sign", "Verify", "Errors", "Progress, and an early end", "Policy", "Verifier"];
		expect(examples.map(({ name }) => name)).toEqual(headings);
	});

	for (const [index, { name, code }] of examples.entries()) {
		it(`${name}: the example, run after those above it, does what it says`, async () => {
			expect(await runInside(programs[index], world)).toMatch(expectedOutput(code));
			expect(existsSync(join(world.project, "world/src/src.cat"))).toBe(true);
		});
	}
});
