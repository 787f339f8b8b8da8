/** Compares how the readers in TypeScript and in C decide by the rules of a policy. */

import { join } from "node:path";
import { type FileRuling, fileRulesOf, type RuledFile, ruleOn } from "@sigtool/core/internal/read";
import { type Policy, parsePolicy } from "@sigtool/core/read";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { RULE_VECTORS } from "../../../core/test/trust/rule-vectors.js";
import { compileC, shared } from "../compile-c.js";
import { hasCompiler } from "../launch/support.js";

interface Question {
	readonly policy: Policy;
	readonly file: RuledFile;
	readonly at: number;
}

interface Answer {
	readonly allowed: boolean;
	readonly rule: string | null;
	readonly why: string;
}

function answerOf({ isAllowed, rule, why }: FileRuling): Answer {
	return { allowed: isAllowed, rule: rule ?? null, why };
}

function byTypeScript({ policy, file, at }: Question): Answer {
	const rules = fileRulesOf(policy, at);
	return rules === undefined ? { allowed: true, rule: null, why: "" } : answerOf(ruleOn(rules, file));
}

describe.skipIf(!hasCompiler)("the rules of a policy in C (needs cc)", () => {
	const directory = temporaryDirectory(atEndOfFile);
	const program = join(directory, "decide-rules");

	beforeAll(() => {
		const own = new URL("decide-rules.c", import.meta.url);
		const sources = shared(
			...["decisions", "environment", "file-rules", "glob", "hex", "json", "members", "schema", "utf8"],
			...["value-forms", "words"],
		);
		compileC({ own, sources, headers: "", output: program });
	});

	function byC(questions: readonly Question[]): Answer[] {
		const lines = questions.map(({ policy, file, at }) => {
			return `${JSON.stringify({ rules: policy.rules ?? [], at: Math.floor(at / 1000), ...file })}\n`;
		});
		const { status, stdout, stderr } = spawnSync(program, [], { input: lines.join(""), encoding: "utf8" });
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
		return stdout
			.trimEnd()
			.split("\n")
			.map((line) => {
				const [verdict, rule = "", why = ""] = line.split("\t");
				return { allowed: verdict === "allow", rule: rule === "-" ? null : rule, why };
			});
	}

	it("decide every vector as it says", () => {
		const answers = byC(RULE_VECTORS);
		const expected = RULE_VECTORS.map(({ allowed, rule, why }) => ({ allowed, rule, why }));
		expect(answers).toEqual(expected);
	});

	it("decide as those in TypeScript do about any rules and files", () => {
		// Few different characters, so that globs match often.
		const part = fc.stringMatching(/^[ab*.é🔑]{1,4}$/u);
		const glob = fc
			.array(fc.oneof(part, fc.constant("**")), { minLength: 1, maxLength: 4 })
			.map((parts) => parts.join("/"))
			.filter((text) => isAccepted([{ deny: { path: text } }]));
		const path = fc
			.array(fc.stringMatching(/^[ab*.é🔑]{0,4}$/u), { minLength: 1, maxLength: 5 })
			.map((parts) => parts.join("/"));
		const sha256 = fc.constantFrom("a", "b").map((digit) => digit.repeat(64));
		const subject = fc.constantFrom("CN=a", "CN=b");
		const signer = fc.oneof(fc.record({ key: sha256 }), fc.record({ authority: sha256, subject }));
		const product = fc.constantFrom("a", "b");
		const name = part.filter((text) => isAccepted([{ deny: { name: text } }]));
		const match = fc
			.record({ signer, product, path: glob, sha256, name }, { requiredKeys: [] })
			.filter((members) => Object.keys(members).length > 0);
		const day = fc.constantFrom("2026-12-31", "2027-01-31", "2027-01-31T12:00:00Z", "2028-02-29");
		const rule = fc
			.record(
				{ match, isDeny: fc.boolean(), expires: day, supplemental: fc.constant(true) },
				{ requiredKeys: ["match", "isDeny"] },
			)
			.map(({ match: members, isDeny, ...rest }) => ({ [isDeny ? "deny" : "allow"]: members, ...rest }));
		const productSigner = fc.record({ key: sha256, subject, authorities: fc.array(sha256, { maxLength: 2 }) });
		const question = fc
			.record({
				rules: fc.array(rule, { maxLength: 5 }),
				file: fc.record({
					product: fc.option(product, { nil: undefined }),
					path,
					sha256,
					signers: fc.array(productSigner, { maxLength: 2 }),
				}),
				at: fc.constantFrom(
					Date.UTC(2027, 0, 31, 12),
					Date.UTC(2027, 0, 31, 12, 0, 1),
					Date.UTC(2026, 11, 31, 23, 59, 59, 999),
				),
			})
			.map(({ rules, ...rest }): Question => ({ ...rest, policy: parsePolicy({ version: 1, rules }) }));
		const seen = { allowed: 0, refused: 0 };
		fc.assert(
			fc.property(fc.array(question, { minLength: 100, maxLength: 100 }), (questions) => {
				const answers = questions.map(byTypeScript);
				for (const { allowed } of answers) seen[allowed ? "allowed" : "refused"]++;
				expect(byC(questions)).toEqual(answers);
			}),
			{ numRuns: full ? 300 : 15 },
		);
		expect(Math.min(seen.allowed, seen.refused)).toBeGreaterThan(100);
	});
});

const full = process.env.SIGTOOL_FULL !== undefined;

function isAccepted(rules: readonly object[]): boolean {
	try {
		parsePolicy({ version: 1, rules });
		return true;
	} catch {
		return false;
	}
}
