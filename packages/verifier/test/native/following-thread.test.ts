import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../cli/test/support.js";
import { compileC, shared } from "../compile-c.js";
import { hasCompiler } from "../launch/support.js";

describe.skipIf(!hasCompiler)("a thread that follows the reading of a file (needs a C compiler)", () => {
	let program: string;
	beforeAll(() => {
		program = join(temporaryDirectory(atEndOfFile), "follow-parts");
		const own = new URL("follow-parts.c", import.meta.url);
		// The program takes the place of pthread_create(), as AddressSanitizer does.
		compileC({ own, sources: shared("following-thread"), headers: "", output: program, sanitizers: "none" });
	});
	const follow = (...answers: readonly string[]) =>
		execFileSync(program, answers, { encoding: "utf8" }).trimEnd().split("\n");

	it("works on all parts, each once and in their order", () => {
		expect(follow("start", "start")).toEqual(["1 abcdef", "1 abcdef"]);
	});

	it("is asked for no more after the system has refused one, because each refusal takes time", () => {
		expect(follow("start", "refuse", "refuse", "start")).toEqual(["1 abcdef", "1 none", "0 none", "0 none"]);
	});
});
