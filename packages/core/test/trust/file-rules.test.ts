/** Tests the rules of a policy: what they decide, and that no rule and no alternative ever lets more run. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
	explainRules,
	type FileRuling,
	fileRulesOf,
	mergedPolicy,
	type PolicyFileRule,
	type RuledFile,
	ruleOn,
} from "../../dist/internal/read.js";
import { parsePolicy, policyFromFileBytes, SigtoolError } from "../../dist/read.js";
import { RULE_VECTORS } from "./rule-vectors.js";

function rulingOf(rules: readonly object[], file: RuledFile, at: number): FileRuling {
	const made = fileRulesOf(parsePolicy({ version: 1, rules }), at);
	return made === undefined ? explainRules(undefined, file).ruling : ruleOn(made, file);
}

describe("the rules of a policy", () => {
	it("have at least 80 vectors, each with another name", () => {
		expect(new Set(RULE_VECTORS.map(({ name }) => name)).size).toBe(RULE_VECTORS.length);
		expect(RULE_VECTORS.length).toBeGreaterThanOrEqual(80);
	});

	it.each(RULE_VECTORS)("$group: $name", ({ policy, file, at, allowed, rule, why, explain }) => {
		const { ruling, lines } = explainRules(fileRulesOf(policy, at), file);
		expect({ allowed: ruling.isAllowed, rule: ruling.rule ?? null, why: ruling.why }).toEqual({ allowed, rule, why });
		expect(lines).toEqual(explain);
	});

	it("are explained with a change that has the effect it announces", () => {
		let changes = 0;
		for (const { policy, file, at, allowed, explain } of RULE_VECTORS) {
			const change = explain.at(-1) ?? "";
			if (!/^to (allow|refuse) it: /.test(change)) continue;
			for (const rules of changedRules(policy.rules ?? [], change)) {
				expect(rulingOf(rules, file, at).isAllowed, change).toBe(!allowed);
				changes++;
			}
		}
		expect(changes).toBeGreaterThan(100);
	});

	/** Applies what a line advises. Alternatives are applied one at a time. */
	function changedRules(rules: readonly PolicyFileRule[], change: string): (readonly object[])[] {
		const isOf = (rule: PolicyFileRule, place: number, text = "") => text.includes(`rules[${rule.label ?? place}]`);
		const [steps = "", otherwise] = change.split(", or ");
		const removed = /remove or narrow (.*?)(?:, and |$)/.exec(steps)?.[1];
		const renewed = /renew (rules\[\S+\])/.exec(steps)?.[1];
		const kept = rules
			.filter((rule, place) => !isOf(rule, place, removed))
			.map((rule) => (isOf(rule, rules.indexOf(rule), renewed) ? { ...rule, expires: undefined } : rule));
		const added = [...steps.matchAll(/add (\{.*?\}\})(?: to (a supplemental|the base) policy)?/g)].map(
			([, json = "", layer]) => {
				return { ...JSON.parse(json), ...(layer === "a supplemental" && { supplemental: true }) };
			},
		);
		const without = otherwise === undefined ? [] : [rules.filter((rule, place) => !isOf(rule, place, otherwise))];
		return [[...kept, ...added], ...without];
	}
});

const anyFile: fc.Arbitrary<RuledFile> = fc.constantFrom(...RULE_VECTORS.map(({ file }) => file));
const anyRule: fc.Arbitrary<PolicyFileRule> = fc.constantFrom(
	...RULE_VECTORS.flatMap(({ policy }) => policy.rules ?? []),
);
const anyRules = fc
	.array(anyRule, { maxLength: 6 })
	.map((rules) => rules.map((rule) => ({ ...rule, label: undefined })));
const AT = Date.UTC(2027, 0, 31);

describe("no alternative weakens a policy:", () => {
	const file = (name: string, rules: readonly object[]) => ({
		file: name,
		bytes: Buffer.from(
			JSON.stringify({ version: 1, rules: rules.map((rule) => ({ ...rule, supplemental: undefined })) }),
		),
	});

	it("a supplemental policy never lets a file pass that the base refuses", () => {
		fc.assert(
			fc.property(anyRules, fc.array(anyRules, { maxLength: 3 }), anyFile, (base, supplements, ruled) => {
				const alone = mergedPolicy(file("base.json", base), []);
				const merged = mergedPolicy(
					file("base.json", base),
					supplements.map((rules, place) => file(`${place}.json`, rules)),
				);
				const [before, after] = [alone, merged].map(({ rules = [] }) => rulingOf(rules, ruled, AT).isAllowed);
				return before === true || after === false;
			}),
			{ numRuns: 2000 },
		);
	});

	it("an added deny rule never lets a file pass, and neither does the first allow rule", () => {
		fc.assert(
			fc.property(anyRules, anyRule, fc.nat(6), anyFile, (rules, added, place, ruled) => {
				const hasAllow = rules.some(
					({ allow, supplemental }) => allow !== undefined && supplemental === added.supplemental,
				);
				if (added.allow !== undefined && hasAllow) return true;
				const before = rulingOf(rules, ruled, AT).isAllowed;
				return before || !rulingOf(rules.toSpliced(place, 0, { ...added, label: undefined }), ruled, AT).isAllowed;
			}),
			{ numRuns: 2000 },
		);
	});

	it("an allow rule that ends only refuses, and a deny rule that ends changes nothing", () => {
		fc.assert(
			fc.property(anyRules, fc.nat(5), anyFile, (rules, place, ruled) => {
				const before = rulingOf(rules, ruled, AT).isAllowed;
				const ended = rules.map((rule, index) => (index === place ? { ...rule, expires: "2000-01-01" } : rule));
				const after = rulingOf(ended, ruled, AT).isAllowed;
				return after === before || (!after && rules[place]?.allow !== undefined);
			}),
			{ numRuns: 2000 },
		);
	});

	it("the order of the rules changes no decision", () => {
		fc.assert(
			fc.property(anyRules, anyFile, (rules, ruled) => {
				return rulingOf(rules, ruled, AT).isAllowed === rulingOf(rules.toReversed(), ruled, AT).isAllowed;
			}),
		);
	});
});

describe("mergedPolicy()", () => {
	const supplement = (text: string) => () =>
		mergedPolicy({ file: "base.json", bytes: Buffer.from('{"version":1}') }, [
			{ file: "more.json", bytes: Buffer.from(text) },
		]);

	it.each([
		["a mode", '{"version":1,\n "mode":"off"}', "line 2, column 2"],
		["products", '{"version":1,"products":["x"]}', "line 1, column 14"],
		["a runtime", '{"version":1,"runtime":{}}', "$.runtime"],
	])("refuses a supplemental policy with %s", (_, text, place) => {
		expect(supplement(text)).toThrow(place);
		expect(supplement(text)).toThrow("is for the base policy");
	});

	it("refuses a label that two policies have", () => {
		const rules = '{"version":1,"rules":[{"label":"a","deny":{"name":"x"}}]}';
		const both = () =>
			mergedPolicy({ file: "a.json", bytes: Buffer.from(rules) }, [{ file: "b.json", bytes: Buffer.from(rules) }]);
		expect(both).toThrow('Cannot use policies "a.json" and "b.json" together: "$.rules" must not hold a label twice');
	});

	it("takes all other members from the base", () => {
		const base = { file: "a.json", bytes: Buffer.from('{"version":1,"mode":"strict","products":["app"]}') };
		const merged = mergedPolicy(base, [
			{ file: "b.json", bytes: Buffer.from('{"version":1,"rules":[{"deny":{"name":"x"}}]}') },
		]);
		expect(merged).toMatchObject({
			mode: "strict",
			products: ["app"],
			rules: [{ deny: { name: "x" }, supplemental: true }],
		});
	});
});

describe("errors of a policy file", () => {
	it.each([
		[
			"$.rules[1].deny",
			'{\n\t"version": 1,\n\t"rules": [\n\t\t{ "deny": { "name": "a" } },\n\t\t{ "deny": {} }\n\t]\n}',
			5,
			5,
		],
		["$.rules[0].allow.path", '{"version":1,"rules":[{"allow":\n{"path":"/etc"}}]}', 2, 2],
		["$.rules[0]", '{"version":1,"rules":[{"allow":{"name":"a"},"deny":{"name":"a"}}]}', 1, 23],
		["$.mode", '{"version":1,"mode":"off",\n"mode":"off"}', 2, 1],
		["$.extra", '{"version":1,\n\n  "extra":[1,"}",{}]}', 3, 3],
		[
			"$.files.maxSizeBytes",
			'{"version":1,"a":1}'.replace('"a":1', '"files":{"kernelCheck":"log",\r\n "maxSizeBytes":0}'),
			2,
			2,
		],
		["$.products[1]", '{"version":1,"products":["\\"]",\n7]}', 2, 1],
	])("have the line and the column of %s", (at, text, line, column) => {
		const read = () => policyFromFileBytes(Buffer.from(text), "policy.json");
		expect(read).toThrow(SigtoolError);
		expect(read).toThrow(`"${at}" `);
		expect(read).toThrow(`(line ${line}, column ${column})`);
	});
});
