import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { userAttributes } from "../../packages/core/test/system/user-attributes.js";
import { compile, examplesOfFunctions, expectedOutput, type Outcome, runAlone } from "./examples.js";
import { canMakeWorld, makeWorld, type World } from "./world.js";

const examples = examplesOfFunctions();
/** These write attributes, which some file systems lack. */
const NEED_ATTRIBUTES = ["inspectAttributes", "restoreAttributes", "stripAttributes", "verifyAttributes"];
const hasAttributes = (await userAttributes()) !== undefined;

describe.skipIf(!canMakeWorld)("the example of each public function (needs openssl, softhsm2 and opensc)", () => {
	let world: World;
	let outcomes: readonly Outcome[];
	let said: string;
	beforeAll(async () => {
		world = await makeWorld();
		const compiled = compile(examples, world);
		said = compiled.said;
		outcomes = await runAlone(compiled.programs, world);
	});
	afterAll(() => world?.remove());

	it("compiles as part of a program in strict TypeScript", () => expect(said).toBe(""));

	for (const [index, { name, code }] of examples.entries()) {
		it.skipIf(NEED_ATTRIBUTES.includes(name) && !hasAttributes)(`${name}() does what its example says`, () => {
			expect(outcomes[index].error).toBeUndefined();
			expect(outcomes[index].printed).toMatch(expectedOutput(code));
		});
	}
});
