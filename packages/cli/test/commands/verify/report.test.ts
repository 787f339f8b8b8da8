/** Tests how a report of many differences is shown, and on which stream. */

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { ERROR_CODES, type ErrorCode } from "../../../../core/dist/errors.js";
import { countByKind } from "../../../dist/output/findings.js";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

/** Returns a signed tree with `files`, and a function that verifies it. */
function signedTree(files: Readonly<Record<string, string>>) {
	const home = temporaryDirectory();
	const sigtool = runner(home);
	const root = makeTree(join(home, "d"), files);
	expect(sigtool(["sign", root]).status).toBe(0);
	return { home, root, sigtool, verify: (...args: string[]) => sigtool(["verify", "d", ...args], { cwd: home }) };
}

const numbered = (count: number, name: (number: number) => string) => {
	return Object.fromEntries(Array.from({ length: count }, (_, number) => [name(number), String(number)]));
};

/** Matches the line about the development identity, which is never hidden. */
const NOTE = expect.stringMatching(/^note: a development identity signed [^\n]*\n$/);

describe("a report", () => {
	it("goes to stdout when files changed, with a count by kind first", () => {
		const { root, verify } = signedTree({ a: "a", b: "b", c: "c", d: "d" });
		writeFileSync(join(root, "a"), "changed");
		for (const name of ["b", "c"]) rmSync(join(root, name));
		writeFileSync(join(root, "new"), "new");
		const run = verify();
		expect(run).toMatchObject({ status: 1, stderr: NOTE });
		expect(run.stdout.split("\n")[0]).toBe("failed d: 4 differences: 1 modified, 2 missing, 1 added");
		expect(run.stdout).toMatch(/"a" was modified \[ERR_FILE_MODIFIED\]\n/);
	});

	it.skipIf(process.platform !== "linux")("counts every kind in words, and names a way out for a FIFO", () => {
		const { root, verify } = signedTree({ a: "a" });
		writeFileSync(join(root, "A"), "a");
		execFileSync("mkfifo", [join(root, "pipe")]);
		const { status, stdout } = verify();
		const [headline, ...lines] = stdout.split("\n");
		expect(status).toBe(1);
		expect(headline).toBe("failed d: 3 differences: 1 added, 1 differing by case alone, 1 of another type than a file");
		expect(lines).toContain(
			'  Cannot hash "pipe": it is a FIFO; remove it, or sign the tree with --exclude [ERR_FILE_TYPE]',
		);
	});

	it("counts no kind by its code", () => {
		for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
			const text = countByKind([
				{ code, path: "a", message: "m" },
				{ code, path: "b", message: "m" },
			]);
			expect(text, code).toMatch(/^2 [a-zA-Z0-9 -]+$/);
			expect(text).not.toContain("ERR");
		}
	});

	it("does not recommend --no-ignore if it was given", () => {
		const { home, root, sigtool, verify } = signedTree({ a: "a", ".git/x": "1" });
		expect(verify().stdout).toContain("1 entry by 1 signed rule; --no-ignore reports them\n");
		const run = verify("--no-ignore");
		expect(run.stdout).toMatch(/hidden +nothing: --no-ignore reports what the signed rules hide\n/);
		expect(run.stdout).not.toContain("0 entries");
		// The user need not sign again, because the catalog already has the rule for .git.
		expect(run.stderr).not.toContain("sign it again");
		expect(sigtool(["verify", root], { cwd: home }).status).toBe(0);
	});

	it("is printed with --quiet too when files changed, and only for the operands that failed", () => {
		const { home, root, sigtool, verify } = signedTree({ a: "a", b: "b" });
		expect(verify("-q")).toMatchObject({ status: 0, stdout: "", stderr: NOTE });
		rmSync(join(root, "b"));
		const run = sigtool(["verify", "d/a", "d", "-q"], { cwd: home });
		expect(run).toMatchObject({ status: 1, stderr: expect.stringMatching(/^(note: [^\n]*\n)+$/) });
		expect(run.stdout).toMatch(/^failed d: 1 difference: 1 missing\n/);
		expect(run.stdout).not.toContain("trusted d/a");
	});

	it("lists at most 20 differences of a kind, and all with --all", () => {
		const { root, verify } = signedTree(numbered(30, (number) => `m${number}`));
		for (let number = 0; number < 25; number++) writeFileSync(join(root, `m${number}`), "changed");
		for (let number = 25; number < 30; number++) rmSync(join(root, `m${number}`));
		const lines = (...args: string[]) => verify(...args).stdout.split("\n");
		const modified = (text: readonly string[]) => text.filter((line) => line.includes("was modified")).length;
		const short = lines();
		expect(short[0]).toBe("failed d: 30 differences: 25 modified, 5 missing");
		expect(modified(short)).toBe(20);
		expect(short.filter((line) => line.includes("is missing"))).toHaveLength(5);
		expect(short).toContain("  and 5 more [ERR_FILE_MODIFIED]; --all lists them");
		const all = lines("--all");
		expect(modified(all)).toBe(25);
		expect(all.join("\n")).not.toContain("more [");
		expect(JSON.parse(verify("--json").stdout).results[0].findings).toHaveLength(30);
	});

	it("shows a directory that is missing or was added whole as one line", () => {
		const { root, verify } = signedTree({
			...numbered(300, (number) => `gone/${number % 3}/${number}`),
			"half/a": "a",
			"half/b": "b",
			"one/only": "1",
		});
		rmSync(join(root, "gone"), { recursive: true });
		rmSync(join(root, "one"), { recursive: true });
		rmSync(join(root, "half/b"));
		makeTree(root, { ...numbered(40, (number) => `new/deep/${number}`), "half/c": "c" });
		const { stdout } = verify();
		expect(stdout.split("\n")[0]).toBe("failed d: 343 differences: 302 missing, 41 added");
		const listed = stdout.split("\n").filter((line) => line.includes("[ERR_FILE_"));
		expect(listed).toEqual([
			'  "gone/" is missing, with 300 entries [ERR_FILE_MISSING]',
			'  "half/b" is missing [ERR_FILE_MISSING]',
			'  "one/only" is missing [ERR_FILE_MISSING]',
			'  "half/c" was added: no signature covers it [ERR_FILE_ADDED]',
			'  "new/" was added, with 40 entries: no signature covers them [ERR_FILE_ADDED]',
		]);
		expect(verify("--all").stdout.match(/ \[ERR_FILE_/g)).toHaveLength(343);
		const { findings } = JSON.parse(verify("--json").stdout).results[0];
		expect(findings).toHaveLength(343);
		expect(findings.find(({ path }: { path: string }) => path === "gone/1/100").directory).toBe("gone");
	});

	it("shows digests with --verbose only", () => {
		const { root, verify } = signedTree({ a: "a" });
		writeFileSync(join(root, "a"), "changed");
		expect(verify().stdout).not.toMatch(/[0-9a-f]{64}\n.*found/);
		expect(verify("-v").stdout).toMatch(/ {4}signed {2}[0-9a-f]{64}\n {4}found {3}[0-9a-f]{64}\n/);
	});

	it("folds warnings about added files in the same way", () => {
		const { root, verify } = signedTree({ a: "a" });
		makeTree(root, { ...numbered(50, (number) => `new/${number}`), ...numbered(50, (number) => `n${number}`) });
		const run = verify("--added", "warn");
		expect(run.status).toBe(0);
		const warnings = run.stderr.split("\n").filter((line) => line.startsWith("warning: "));
		expect(warnings).toHaveLength(21);
		expect(warnings).toContain("warning: and 80 more [ERR_FILE_ADDED]; --all lists them");
		expect(verify("--added", "warn", "--all").stderr.match(/^warning: /gm)).toHaveLength(100);
	});
});
