/** Tests what `sigtool log` reports for other programs, also about hostile events. */

import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { hasXmllint, junitValues, sarifRun } from "../../report-schemas.js";
import { eventLine, place } from "./logs.js";

const REFUSED = { verdict: "refuse", reason: "ERR_FILE_MODIFIED", rule: "entry", path: "/srv/a.js" };

describe("sigtool log --reporter", () => {
	const HOSTILE = '/srv/"><script>&amp;]]>::error::x\n\u0001\u202e{0}[a](b:c)';
	function logs() {
		const { file, sigtool: log } = place();
		const start = eventLine("verifier.start", { host: "web1", mode: "enforce" });
		const audited = eventLine("module.open_code", { verdict: "audit", reason: "ERR_FILE_ADDED", path: HOSTILE });
		const strange = eventLine("\u0000<b>", { verdict: "refuse", reason: "<x>", rule: 5, path: "no/absolute\ud800" });
		const refused = { ...REFUSED, sha256: "a".repeat(64), expected: "b".repeat(64) };
		const text = [eventLine("module.open_code", refused), eventLine("module.open_code", { ...refused, count: 41 })];
		writeFileSync(file("a.jsonl"), [start, ...text, audited, strange, "no event\n"].join(""));
		writeFileSync(file("b.jsonl"), eventLine("module.dlopen", { path: "/lib.so" }));
		return { file, log, report: (...args: string[]) => log(["log", file("a.jsonl"), file("b.jsonl"), ...args]) };
	}

	it("sarif is valid, and has each refusal once with its number and its file", () => {
		const { status, stdout, stderr } = logs().report("--reporter", "sarif");
		expect([status, stderr]).toEqual([0, expect.stringContaining("1 line of")]);
		const run = sarifRun(stdout);
		const found = run.results.map((result: Record<string, unknown>) => [result.ruleId, result.level]);
		expect(found).toEqual([
			["ERR_FILE_MODIFIED", "error"],
			["ERR_FILE_ADDED", "warning"],
			["ERR_UNTRUSTED_CODE", "error"],
		]);
		const [first] = run.results;
		expect(first.message.text).toMatch(
			/^module\.open_code \/srv\/a\.js was refused 42 times on web1, last at 2026-01-31T/,
		);
		expect(first.locations[0].physicalLocation.artifactLocation.uri).toBe("file:///srv/a.js");
		expect(first.properties).toMatchObject({ expected: "b".repeat(64), actual: "a".repeat(64) });
		expect(run.properties.subjects).toMatchObject([
			{ verdict: "refused", events: 45, refused: 43, audited: 1 },
			{ verdict: "nothing refused", events: 1, refused: 0 },
		]);
		expect(run.invocations[0]).toMatchObject({ executionSuccessful: true, exitCode: 0 });
	});

	it.skipIf(!hasXmllint)("junit is valid, and a log without refusals passes (needs xmllint)", () => {
		const { status, stdout } = logs().report("--reporter", "junit");
		expect(status).toBe(0);
		const values = junitValues(
			stdout,
			"/testsuites/@failures",
			"/testsuites/@tests",
			"/testsuites/testsuite[1]/testcase[failure/@type='ERR_FILE_MODIFIED']/@name",
			"count(/testsuites/testsuite[1]/testcase[system-out])",
			"/testsuites/testsuite[2]/testcase/@name",
			"/testsuites/testsuite[1]/properties/property[@name='refused']/@value",
		);
		expect(values).toEqual(["2", "4", "/srv/a.js", "1", "nothing refused", "43"]);
	});

	it("github annotates, and neither takes names for commands nor goes with --by", () => {
		const { report } = logs();
		const { stdout } = report("--reporter", "github");
		const lines = stdout.split("\n").filter((line) => line.startsWith("::error") || line.startsWith("::warning"));
		expect(lines.map((line) => line.slice(0, line.indexOf(" ")))).toEqual([
			"::error",
			"::warning",
			"::error",
			"::warning",
		]);
		for (const more of [["--by", "rule"], ["--follow"]])
			expect(report("--reporter", "github", ...more)).toMatchObject({ status: 2 });
	});

	it("tells of a log that could not be read to its end", () => {
		const { file, log } = logs();
		writeFileSync(file("cut.gz"), gzipSync(eventLine("module.open_code", REFUSED).repeat(9999)).subarray(0, 500));
		const { status, stdout } = log(["log", file("cut.gz"), "--reporter=sarif"]);
		expect(status).toBe(3);
		const run = sarifRun(stdout);
		expect(run.invocations[0]).toMatchObject({ executionSuccessful: false, exitCode: 3 });
	});
});
