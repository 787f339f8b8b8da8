/** Tests what standard error gets of refusals and of other events, by `audit.stderr`. */

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeApplication, RELEASES, write } from "./application.js";

const CATCHING = 'try { require("./evil.js"); } catch {} finally { console.log("went on"); }';
const RECORDED = 'console.log(require("vm").runInThisContext("6 * 7"));';

async function run(release: string, text: string, stderr: string, settings: object = {}, policy: object = {}) {
	using application = await makeApplication({ "main.cjs": text });
	const audit = { jsonLines: join(application.home, "audit.jsonl"), stderr };
	await application.sign({ policy, configuration: { audit, ...settings } });
	write(join(application.directory, "evil.js"), "console.log('evil')");
	const { status, stdout, stderr: said } = application.run(release, ["main.cjs"]);
	const lines = said.split("\n").filter((line) => line !== "");
	return { status, stdout, lines, verdicts: lines.map((line) => /"verdict":"(\w+)"/.exec(line)?.[1] ?? line) };
}

describe.each(RELEASES)("standard error under the hook, Node.js %s", (release) => {
	it.each(["off", "refusals", "all"])(
		'has one line for a refusal that the program catches, with "%s"',
		async (value) => {
			const { status, stdout, lines } = await run(release, CATCHING, value, { onRefusal: "throw" });
			expect({ status, stdout }).toEqual({ status: 0, stdout: "went on\n" });
			const refusals = lines.filter((line) => line.includes('"verdict":"refuse"'));
			expect(refusals).toEqual([expect.stringMatching(/^sigtool: \{.*"path":".*evil\.js".*"reason":"ERR_FILE_ADDED"/)]);
		},
	);

	it.each([
		["off", []],
		["refusals", ["refuse"]],
	])('has the message of a refusal that ends the process, with "%s" beside events %j', async (value, events) => {
		const { status, stdout, verdicts } = await run(release, CATCHING, value, { onRefusal: "exit" });
		expect({ status, stdout }).toEqual({ status: 126, stdout: "" });
		expect(verdicts).toEqual([
			...events,
			expect.stringMatching(/^sigtool: ERR_UNTRUSTED_CODE: Cannot load ".*evil\.js": no signature covers it/),
		]);
	});

	it("has what the policy only records with all alone", async () => {
		for (const [value, expected] of [
			["off", []],
			["refusals", []],
			["all", ["record"]],
		] as const) {
			const { status, stdout, verdicts } = await run(release, RECORDED, value);
			expect({ status, stdout }).toEqual({ status: 0, stdout: "42\n" });
			expect(verdicts.filter((verdict) => verdict !== "allow")).toEqual(expected);
		}
	});

	it("has a start in mode audit, and what enforcement would refuse, with refusals", async () => {
		for (const [value, expected] of [
			["off", []],
			["refusals", ["record", "audit"]],
		] as const) {
			const { stdout, verdicts } = await run(release, CATCHING, value, {}, { mode: "audit" });
			expect(stdout).toBe("evil\nwent on\n");
			// Node.js 20 has a thread that starts for itself.
			expect([...new Set(verdicts)]).toEqual(expected);
		}
	});
});
