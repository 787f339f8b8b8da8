/** The tests that every real program passes: under the launcher it works as without, and a flipped bit is refused. */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Application } from "./applications.js";
import { type AuditEvent, type LearnedTree, type SignedTree, whileChanged, whileLonger } from "./signed-tree.js";

/** The full run changes every file that a program loads, not only the listed ones. */
const EACH_FILE = process.env.SIGTOOL_FULL !== undefined;
const MAX_CHANGED = 60;

/**
 * Declares the tests of programs on one release of Node.js. `addonOf` returns the path of the addon that was compiled for
 * a program, or undefined if it could not be compiled here.
 */
export function testApplications(
	applications: readonly Application[],
	release: string,
	treeOf: () => SignedTree,
	addonOf: () => string | undefined = () => undefined,
): void {
	describe.each(applications)("$name", ({ argv, status, prints, loads, byContent = [], isCompiled, strict }) => {
		const lacksAddon = () => isCompiled === true && addonOf() === undefined;
		const commandLine = () => argv.map((argument) => (argument === "OUTPUT" ? treeOf().output : argument));

		test("works as without enforcement", ({ skip }) => {
			skip(lacksAddon(), "its addon cannot be compiled here");
			const unguarded = treeOf().runUnguarded(release, commandLine());
			expect(unguarded.stdout).toContain(prints);
			expect(unguarded.status).toBe(status);
			const enforced = treeOf().run(release, commandLine());
			expect(enforced).toMatchObject({ status, stdout: unguarded.stdout });
		});

		test("works in audit, with the events of enforce", ({ skip }) => {
			skip(lacksAddon(), "its addon cannot be compiled here");
			const unguarded = treeOf().runUnguarded(release, commandLine());
			const { events, ...audited } = treeOf().runAudited(release, commandLine());
			expect(audited).toMatchObject({ status, stdout: unguarded.stdout });
			expect(events.filter(({ verdict }) => verdict === "refuse")).toEqual([]);
			expect(events).toContainEqual(expect.objectContaining({ event: "verifier.start", verdict: "record" }));
			// Enforcement would refuse nothing of this program, so audit says so of no file and no text.
			const code = events.filter(({ event }) => /^(module|code|wasm|vm)\./.test(event));
			expect(code.filter(({ verdict }) => verdict === "audit" || verdict === "refuse")).toEqual([]);
		});

		// Some programs load no file that is listed.
		if (loads.length > 0)
			test("works in audit with a changed file, and an event tells of it", () => {
				const unguarded = treeOf().runUnguarded(release, commandLine());
				const [file = ""] = loads;
				const path = join(treeOf().directory, file);
				const { events, ...audited } = whileLonger(path, () => treeOf().runAudited(release, commandLine()));
				expect(audited).toMatchObject({ status, stdout: unguarded.stdout });
				const told = { event: "module.open_code", verdict: "audit", path, reason: "ERR_FILE_MODIFIED" };
				expect(events).toContainEqual(expect.objectContaining(told));
			});

		test("works under the policy that is learned from it", ({ skip }) => {
			skip(lacksAddon(), "its addon cannot be compiled here");
			requireAgreement(treeOf(), release, commandLine(), { status });
		});

		test(`${strict === undefined ? "works" : "is refused"} under strict`, ({ skip }) => {
			skip(lacksAddon(), "its addon cannot be compiled here");
			const { stdout, stderr, ...ending } = treeOf().run(release, commandLine(), "strict");
			if (strict === undefined) {
				expect({ ...ending, stderr }).toMatchObject({ status });
				expect(stdout).toContain(prints);
			} else {
				expect(ending.status).not.toBe(status);
				expect(stderr).toMatch(strict);
			}
		});

		test("is refused with one changed bit in any file it loads", ({ skip }) => {
			skip(lacksAddon(), "its addon cannot be compiled here");
			const files = isCompiled ? [...loads, addonOf() ?? ""] : loads;
			const loaded = files.length === 0 ? [] : treeOf().filesLoadedBy(release, commandLine());
			expect(loaded).toEqual(expect.arrayContaining([...files]));
			for (const file of EACH_FILE ? spread(loaded) : files) {
				const outcome = whileChanged(join(treeOf().directory, file), () => treeOf().run(release, commandLine()));
				expect({ file, status: outcome.status }).toEqual({ file, status: 126 });
				expect(outcome.stderr).toMatch(`"reason":"ERR_FILE_MODIFIED"`);
				expect(outcome.stderr).toMatch(`"path":"${join(treeOf().directory, file)}"`);
			}
		});

		if (byContent.length > 0)
			test.each(byContent)(
				"is refused with one changed bit in $file, which is judged by its content",
				({ file, refusal }) => {
					const outcome = whileChanged(join(treeOf().directory, file), () => treeOf().run(release, commandLine()));
					expect(outcome.stderr).toMatch(refusal);
					// A program may catch the error, and say that it cannot go on.
					expect(outcome.status).not.toBe(0);
				},
			);
	});
}

/**
 * Requires that a program ends as without enforcement in mode audit and under the policy that is learned from it, that
 * `policy test` finds nothing in either run, and that the first one announced all that the second one refused.
 */
export function requireAgreement(
	tree: SignedTree,
	release: string,
	argv: readonly string[],
	expected: Pick<Application, "status"> & Partial<Pick<Application, "prints">>,
): LearnedTree {
	const { status, stdout, stderr } = tree.runUnguarded(release, argv);
	expect(status, stderr).toBe(expected.status);
	expect(stdout).toContain(expected.prints ?? "");
	const learned = tree.learn(release, [argv]);
	expect(learned.audited).toMatchObject([{ status, stdout }]);
	expect(learned.notes).not.toContain("enforcement refuses");
	expect(learned.tested).toMatchObject(NOTHING_REFUSED);
	const { ending, judged } = learned.enforce(argv);
	expect(ending, ending.stderr).toMatchObject({ status, stdout });
	expect(judged).toMatchObject(NOTHING_REFUSED);
	const announced = refusalsIn(learned.events);
	expect(refusalsIn(ending.events).filter((each) => !announced.includes(each))).toEqual([]);
	return learned;
}

/** Returns what enforcement refuses, or would refuse in mode audit. */
function refusalsIn(events: readonly AuditEvent[]): string[] {
	const refusals = events.filter(({ verdict }) => verdict === "audit" || verdict === "refuse");
	return refusals.map(({ event, path, file }) => `${event} ${path ?? file}`);
}

export const NOTHING_REFUSED = { status: 0, stdout: expect.stringContaining("nothing would be refused") };

/** Returns at most MAX_CHANGED of the files, spread evenly from the first to the last. */
function spread(files: readonly string[]): string[] {
	const step = Math.max(1, files.length / MAX_CHANGED);
	return files.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}
