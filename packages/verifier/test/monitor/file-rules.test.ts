/** Tests that the monitor applies the rules of a policy, and that no rule lets anything run that was refused without it. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileRulesOf } from "@sigtool/core/internal/read";
import { parsePolicy } from "@sigtool/core/read";
import { beforeAll, describe, expect, it } from "vitest";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import type { CodeIndex } from "../../dist/monitor/judge.js";
import { createJudge } from "../../dist/monitor/judge.js";
import { indexOf, monitorFor, refusal, sha256, untrusted } from "../support.js";

const root = temporaryDirectory(atEndOfFile);
const at = (path: string) => join(root, "app", path);
let index: CodeIndex;
beforeAll(() => {
	mkdirSync(at("lib"), { recursive: true });
	for (const [path, text] of [
		["main.js", "main()"],
		["lib/a.js", "a()"],
		["lib/copy.js", "main()"],
	] as const) {
		writeFileSync(at(path), text);
	}
	const found = indexOf(join(root, "app"));
	const [product] = found.products;
	if (product === undefined) throw new Error("The index has a product");
	index = {
		...found,
		products: [{ ...product, signers: [{ key: "1".repeat(64), subject: undefined, authorities: [] }] }],
	};
	writeFileSync(at("unsigned.js"), "unsigned()");
	writeFileSync(join(root, "outside.js"), "outside()");
});

function monitorWith(rules: readonly object[], mode: "enforce" | "audit" = "enforce") {
	const policy = parsePolicy({ version: 1, rules });
	const settings = { rules: fileRulesOf(policy, Date.now()) };
	return monitorFor(index, { mode, judge: createJudge(index, [], [], settings) });
}

describe("the monitor with rules", () => {
	it("refuses what a rule denies, with its name, message and URL", () => {
		const rule = {
			deny: { path: "lib/**" },
			label: "no-lib",
			message: "lib is retired",
			url: "https://wiki.example/lib",
		};
		const { monitor, events } = monitorWith([rule]);
		expect(monitor.openCodeSync(at("main.js"), "main").verdict).toMatchObject({ trusted: true, rule: "entry" });
		expect(() => monitor.openCodeSync(at("lib/a.js"), "module")).toThrow(untrusted("ERR_POLICY_RULE"));
		expect(() => monitor.openCodeSync(at("lib/a.js"), "module")).toThrow(
			/rules\[no-lib\] of the policy denies it: lib is retired \(ERR_POLICY_RULE; rule rules\[no-lib\], .*\); see https:\/\/wiki\.example\/lib$/,
		);
		monitor.audit.flush();
		expect(events.filter(({ verdict }) => verdict === "refuse")[0]).toMatchObject({
			event: "module.open_code",
			path: at("lib/a.js"),
			rule: "rules[no-lib]",
			reason: "ERR_POLICY_RULE",
			denial: "lib is retired",
		});
	});

	it("names the allow rule of a file that runs, and `rules` if none matches", () => {
		const { monitor, events } = monitorWith([{ allow: { path: "lib/**" } }]);
		expect(monitor.openCodeSync(at("lib/a.js"), "module").verdict).toMatchObject({ trusted: true, rule: "rules[0]" });
		expect(() => monitor.openCodeSync(at("main.js"), "main")).toThrow(/no allow rule of the policy matches it/);
		monitor.audit.flush();
		expect(events.map(({ verdict, rule }) => [verdict, rule])).toEqual([
			["allow", "rules[0]"],
			["refuse", "rules"],
		]);
	});

	it("only records in mode audit", () => {
		const { monitor, events } = monitorWith([{ deny: { name: "a.js" } }], "audit");
		expect(Buffer.from(monitor.openCodeSync(at("lib/a.js"), "module").bytes).toString()).toBe("a()");
		monitor.audit.flush();
		expect(events[0]).toMatchObject({ verdict: "audit", rule: "rules[0]", reason: "ERR_POLICY_RULE" });
	});

	it("finds no content by its digest that the rules refuse at each of its paths", () => {
		const placeOf = (content: string, ...rules: object[]) => monitorWith(rules).monitor.placeOfContent(sha256(content));
		const isPlace = { product: index.products[0]?.name, entry: expect.stringMatching(/^(main|lib\/copy)\.js$/) };
		expect(placeOf("main()")).toEqual(isPlace);
		expect(placeOf("main()", { deny: { path: "lib/**" } })).toEqual({ ...isPlace, entry: "main.js" });
		expect(placeOf("main()", { deny: { path: "**/*.js" } })).toBeUndefined();
		expect(placeOf("main()", { allow: { path: "lib/a.js" } })).toBeUndefined();
		expect(placeOf("unsigned()", { allow: { sha256: sha256("unsigned()") } })).toBeUndefined();
	});

	it("does not trust a file by the fast path that the rules refuse", () => {
		const judge = createJudge(index, [], [], {
			rules: fileRulesOf(parsePolicy({ version: 1, rules: [{ deny: { name: "a.js" } }] }), Date.now()),
		});
		expect(judge.trustedAs(at("lib/a.js"), sha256("a()"))).toBeUndefined();
		expect(judge.trustedAs(at("main.js"), sha256("main()"))).toMatchObject({ trusted: true });
	});

	it("needs the signers of each product if a rule names a signer, and decides by them", () => {
		const rules = [{ allow: { signer: { key: "1".repeat(64) } } }];
		expect(monitorWith(rules).monitor.openCodeSync(at("main.js"), "main").verdict.trusted).toBe(true);
		const others = [{ allow: { signer: { key: "2".repeat(64) } } }];
		expect(() => monitorWith(others).monitor.openCodeSync(at("main.js"), "main")).toThrow(untrusted("ERR_POLICY_RULE"));
		const nameless = { ...index, products: index.products.map((each) => ({ ...each, signers: undefined })) };
		const settings = { rules: fileRulesOf(parsePolicy({ version: 1, rules }), Date.now()) };
		expect(() => createJudge(nameless, [], [], settings)).toThrow(refusal("ERR_POLICY"));
	});
});

describe("no alternative lets more run:", () => {
	const generous = (sha: string, name: string): readonly object[] => [
		{ allow: { sha256: sha } },
		{ allow: { path: "**" } },
		{ allow: { name } },
		{ allow: { product: "app" } },
		{ allow: { signer: { key: "1".repeat(64) } } },
	];

	it.each([
		["an unsigned file", "unsigned.js", "unsigned()", "ERR_FILE_ADDED"],
		["a modified file", "main.js", "main(1)", "ERR_FILE_MODIFIED"],
		["content that was signed for another path", "lib/a.js", "main()", "ERR_FILE_MODIFIED"],
		["a file outside of all products", "../outside.js", "outside()", "ERR_OUTSIDE_PRODUCTS"],
	])("%s stays refused, whatever is allowed", (_, path, text, reason) => {
		const rules = generous(sha256(text), path.split("/").at(-1) ?? "");
		for (const allowed of [rules, ...rules.map((rule) => [rule])]) {
			const verdict = monitorWith(allowed).monitor.decide(join(at("."), path), Buffer.from(text));
			expect(verdict).toMatchObject({ trusted: false, reason });
		}
	});

	it("a file that the host denies stays refused", () => {
		const policy = parsePolicy({ version: 1, rules: generous(sha256("a()"), "a.js") });
		const deny = [{ kind: "file", sha256: sha256("a()"), reason: "CVE" }] as const;
		const judge = createJudge(index, [], deny, { rules: fileRulesOf(policy, Date.now()) });
		expect(judge.decide(at("lib/a.js"), Buffer.from("a()"))).toMatchObject({ trusted: false, reason: "ERR_DENIED" });
	});
});
