import { once } from "node:events";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { APPLICATIONS, POLICY } from "./applications.js";
import { compiledDatabase, installedPackages } from "./install.mjs";
import { noLauncher, type SignedTree, signTree, whileChanged, whileLonger } from "./signed-tree.js";

const RELEASES = process.env.SIGTOOL_FULL ? ["20", "22", "24", "26"] : ["20", "24"];
/** The full run changes every file that a program loads, not only the listed ones. */
const EACH_FILE = process.env.SIGTOOL_FULL !== undefined;
const MAX_CHANGED = 60;
/** better-sqlite3 12 does not support Node.js 26. */
const DATABASE_RELEASES = ["20", "24"];
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const linux = process.platform === "linux" && process.arch === "x64";
const installed = linux && noLauncher === undefined ? installedPackages("programs") : undefined;

describe.skipIf(installed === undefined)("real applications (linux-x64, the launcher, npm and its registry)", () => {
	let tree: SignedTree;
	const addons = new Map<string, string | undefined>();
	beforeAll(() => {
		for (const release of DATABASE_RELEASES) {
			addons.set(release, compiledDatabase(installed ?? "", nodeOfRelease(release)));
		}
		tree = signTree((directory) => {
			for (const part of ["programs", "project"]) cpSync(here(part), join(directory, part), { recursive: true });
			cpSync(join(installed ?? "", "node_modules"), join(directory, "node_modules"), {
				recursive: true,
				verbatimSymlinks: true,
			});
		}, POLICY);
	}, 600_000);
	afterAll(() => tree?.[Symbol.dispose]());

	describe.each(RELEASES)("Node.js %s", (release) => {
		test("express serves requests, and ends when told to", async () => {
			const server = tree.start(release, ["programs/express.cjs"]);
			const output = linesOf(server.stdout);
			const ended = once(server, "exit");
			const origin = `http://127.0.0.1:${await output.line()}`;
			const json = { method: "POST", body: "[1, 2, 3]", headers: { "content-type": "application/json" } };
			expect(await (await fetch(`${origin}/greeting/world`)).json()).toEqual({ hello: "world" });
			expect(await (await fetch(`${origin}/sum`, json)).text()).toBe("6");
			expect(await (await fetch(`${origin}/files/shapes.js`)).text()).toContain("export function area");
			expect((await fetch(`${origin}/nothing`)).status).toBe(404);
			server.kill("SIGTERM");
			expect(await ended).toEqual([0, null]);
			expect(await output.line()).toBe("closed");
		});

		describe.each(APPLICATIONS)("$name", ({ argv, status, prints, loads, isDatabase, strict }) => {
			const commandLine = () => argv.map((argument) => (argument === "OUTPUT" ? tree.output : argument));

			test("works as without enforcement", ({ skip }) => {
				skip(isDatabase === true && addons.get(release) === undefined, "better-sqlite3 cannot be compiled here");
				const unguarded = tree.runUnguarded(release, commandLine());
				expect(unguarded.stdout).toContain(prints);
				expect(unguarded.status).toBe(status);
				const enforced = tree.run(release, commandLine());
				expect(enforced).toMatchObject({ status, stdout: unguarded.stdout });
			});

			test("16.2: works in audit, with the events of enforce", ({ skip }) => {
				skip(isDatabase === true && addons.get(release) === undefined, "better-sqlite3 cannot be compiled here");
				const unguarded = tree.runUnguarded(release, commandLine());
				const { events, ...audited } = tree.runAudited(release, commandLine());
				expect(audited).toMatchObject({ status, stdout: unguarded.stdout });
				expect(events.filter(({ verdict }) => verdict === "refuse")).toEqual([]);
				expect(events).toContainEqual(expect.objectContaining({ event: "verifier.start", verdict: "audit" }));
				// Enforcement would refuse nothing of this program, so audit says so of no file and no text.
				const code = events.filter(({ event }) => /^(module|code|wasm|vm)\./.test(event));
				expect(code.filter(({ verdict }) => verdict !== "allow")).toEqual([]);
			});

			// Some programs load no file that is listed.
			if (loads.length > 0)
				test("16.2: works in audit with a changed file, and an event tells of it", () => {
					const unguarded = tree.runUnguarded(release, commandLine());
					const [file = ""] = loads;
					const path = join(tree.directory, file);
					const { events, ...audited } = whileLonger(path, () => tree.runAudited(release, commandLine()));
					expect(audited).toMatchObject({ status, stdout: unguarded.stdout });
					const told = { event: "module.open_code", verdict: "audit", path, reason: "ERR_FILE_MODIFIED" };
					expect(events).toContainEqual(expect.objectContaining(told));
				});

			test(`${strict === undefined ? "works" : "is refused"} under strict`, ({ skip }) => {
				skip(isDatabase === true && addons.get(release) === undefined, "better-sqlite3 cannot be compiled here");
				const { stdout, stderr, ...ending } = tree.run(release, commandLine(), "strict");
				if (strict === undefined) {
					expect({ ...ending, stderr }).toMatchObject({ status });
					expect(stdout).toContain(prints);
				} else {
					expect(ending.status).not.toBe(status);
					expect(stderr).toMatch(strict);
				}
			});

			test("is refused with one changed bit in any file it loads", ({ skip }) => {
				skip(isDatabase === true && addons.get(release) === undefined, "better-sqlite3 cannot be compiled here");
				const files = isDatabase ? [...loads, addons.get(release) ?? ""] : loads;
				const loaded = files.length === 0 ? [] : tree.filesLoadedBy(release, commandLine());
				expect(loaded).toEqual(expect.arrayContaining([...files]));
				for (const file of EACH_FILE ? spread(loaded) : files) {
					const outcome = whileChanged(join(tree.directory, file), () => tree.run(release, commandLine()));
					expect({ file, status: outcome.status }).toEqual({ file, status: 126 });
					expect(outcome.stderr).toMatch(`"reason":"ERR_FILE_MODIFIED"`);
					expect(outcome.stderr).toMatch(`"path":"${join(tree.directory, file)}"`);
				}
			});
		});
	});
});

/** Returns at most MAX_CHANGED of the files, spread evenly from the first to the last. */
function spread(files: readonly string[]): string[] {
	const step = Math.max(1, files.length / MAX_CHANGED);
	return files.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}

/** Returns the lines of a stream one by one, as they arrive. */
function linesOf(stream: Readable | null) {
	if (stream === null) throw new Error("nothing to read from");
	const lines = createInterface(stream)[Symbol.asyncIterator]();
	return { line: async () => (await lines.next()).value };
}
