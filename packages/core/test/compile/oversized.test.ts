import { expect, it } from "vitest";
import type { CompiledDirectory } from "../../dist/compile/compile-directory.js";
import { oversizedWarnings } from "../../dist/compile/oversized.js";
import { DEFAULT_POLICY } from "../../dist/trust/default-policy.js";

it.each([
	[2 ** 31 - 1, /; compile with a --policy that has .*: 2147483647 \}/],
	[2 ** 31, /; split it, because no policy can allow more than 2147483647$/],
])("oversizedWarnings() advises what helps a file of %i bytes", (size, advice) => {
	const entries = new Map([["big.js", { kind: "file", sha256: "", size }]]);
	// The function reads these members alone.
	const directory = { product: { root: "/app" }, content: { entries } } as unknown as CompiledDirectory;
	expect(oversizedWarnings([directory], DEFAULT_POLICY)).toEqual([expect.stringMatching(advice)]);
});
