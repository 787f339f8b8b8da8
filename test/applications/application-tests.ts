/** The tests that every real program passes: under the launcher it works as without, and a flipped bit is refused. */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Application } from "./applications.js";
import { type AuditEvent, type SignedTree, whileChanged, whileLonger } from "./signed-tree.js";

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
			expect(events).toContainEqual(expect.objectContaining({ event: "verifier.start", verdict: "audit" }));
			// Enforcement would refuse nothing of this program, so audit says so of no file and no text.
			const code = events.filter(({ event }) => /^(module|code|wasm|vm)\./.test(event));
			const isRefused = ({ verdict, reason }: AuditEvent) => verdict !== "allow" && reason !== "ERR_UNSIGNED_BYTECODE";
			expect(code.filter(isRefused)).toEqual([]);
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
					expect(outcome.status).toBe(126);
				},
			);
	});
}

/** Returns at most MAX_CHANGED of the files, spread evenly from the first to the last. */
function spread(files: readonly string[]): string[] {
	const step = Math.max(1, files.length / MAX_CHANGED);
	return files.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}
