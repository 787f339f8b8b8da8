/** The functions that the gate changes, in the files of real releases of Node.js for both processors. */

import { spawnSync } from "node:child_process";
import { beforeAll, describe, expect, it } from "vitest";
import { nodeOfRelease } from "../../../../scripts/node-releases.mjs";
import { hasCompiler } from "../launch/support.js";
import { compile, PROCESSORS, SANITIZED } from "./support.js";

const RELEASES = ["20", "22", "24", "26"];

/** Returns undefined if npm cannot fetch the release. */
function fetchedNode(release: string, processor: string): string | undefined {
	try {
		return nodeOfRelease(release, processor);
	} catch {
		return undefined;
	}
}

describe.skipIf(!hasCompiler).each(PROCESSORS)("the gate of %s (needs cc)", (processor) => {
	let program: string;
	beforeAll(() => {
		program = compile("close-gate", [], processor, { flags: SANITIZED });
	});

	describe.each(RELEASES)("Node.js %s", (release) => {
		const node = fetchedNode(release, processor);
		it.skipIf(node === undefined)(
			`has a gate in front of all functions or, if one has changed, nowhere (needs node-linux-${processor} from npm)`,
			() => {
				const { status, stdout, stderr } = spawnSync(program, [node ?? ""], { encoding: "utf8" });
				expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
				const lines = stdout.trimEnd().split("\n").map((line) => line.split(" "));
				const named = (text: string) => lines.filter(([, , , name = ""]) => name.includes(text)).map(([kind]) => kind);
				expect(named("CompileUnboundInternal")).toEqual(["in-front"]);
				expect(named("CompileFunction")).toEqual(["in-front"]);
				expect(named("SetModifyCodeGenerationFromStringsCallback")).toEqual(["in-front"]);
				expect(named("SetAllowWasmCodeGenerationCallback")).toEqual(["in-front"]);
				expect(named("AllowCodeGenerationFromStrings")).toEqual(["in-front"]);
				expect(named("SetFlagsFrom")).toEqual(["in-front", "in-front", "in-front"]);
				expect(named("uv_dlsym")).toEqual(["in-front"]);
				expect(named("StartStreaming")).toEqual(["instead"]);
				expect(named("StartConsumingCodeCache")).toEqual(release < "24" ? ["instead"] : ["instead", "instead"]);
				expect(named("Agent7Connect")).toEqual(["instead"]);
				expect(named("_register_ffi")).toEqual(release < "26" ? [] : ["instead"]);
				// Only the compiler of Node.js 20 has split a function.
				const moved = lines.filter(([, , distance]) => distance !== "0").map(([, , , name]) => name);
				expect(moved).toEqual(release === "20" ? [expect.stringContaining("CompileUnboundInternal")] : []);
			},
		);
	});
});
