/** Compares how TypeScript and C judge the owner and the mode of a file. */

import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { type OwnerAndModeRules, ownerOrModeObjection } from "../../dist/monitor/owner-and-mode.js";
import { compileC } from "../compile-c.js";
import { hasCompiler } from "../launch/support.js";

interface Question {
	readonly rules: OwnerAndModeRules;
	readonly uid: number;
	readonly mode: number;
}

const REGULAR = 0o100000;
const RULES = (["any", "root"] as const).flatMap((owner) =>
	(["allow", "refuse"] as const).map((othersWrite) => ({ owner, othersWrite })),
);
const OWNERS = [0, 1, 1000, 65534, 2 ** 31, 2 ** 32 - 1];
const QUESTIONS: readonly Question[] = RULES.flatMap((rules) =>
	OWNERS.flatMap((uid) => Array.from({ length: 0o10000 }, (_, mode) => ({ rules, uid, mode: REGULAR | mode }))),
);

function byTypeScript({ rules, uid, mode }: Question): string {
	const refused = ownerOrModeObjection(rules, uid, mode);
	if (refused === undefined) return "accepted";
	return [refused.reason, refused.detail, refused.why, refused.mend].join("\t");
}

describe.skipIf(!hasCompiler)("owner and mode in C (needs cc)", () => {
	const directory = temporaryDirectory(atEndOfFile);
	const program = join(directory, "judge-owner-and-mode");

	beforeAll(() => {
		const own = new URL("judge-owner-and-mode.c", import.meta.url);
		compileC({ own, sources: ["trust/owner-and-mode"], headers: "", output: program });
	});

	it("are judged as in TypeScript, with the same words, for every mode", () => {
		const lines = QUESTIONS.map(({ rules, uid, mode }) => {
			return `${+(rules.owner === "root")} ${+(rules.othersWrite === "refuse")} ${uid} ${mode}\n`;
		});
		const maxBuffer = 2 ** 25;
		const { status, stdout, stderr } = spawnSync(program, [], { input: lines.join(""), encoding: "utf8", maxBuffer });
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
		const answers = stdout.trimEnd().split("\n");
		expect(answers).toHaveLength(QUESTIONS.length);
		expect(new Set(answers).size).toBeGreaterThan(20_000);
		const different = QUESTIONS.filter((question, i) => byTypeScript(question) !== answers[i]);
		expect(different.slice(0, 3)).toEqual([]);
	});
});
