import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { execFileSync } from "../../test/outside.js";
import { temporaryDirectory } from "../../test/temporary.js";
import { dueSuites } from "../due-suites.mjs";

const SUITES = {
	site: { files: ["test/site.test.ts"], paths: ["docs", "packages/*/README.md"] },
	windows: { files: ["test/windows/**/*.test.ts"], paths: ["src"] },
};

let checkout: string;
const git = (...args: string[]) =>
	execFileSync("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", ...args], {
		cwd: checkout,
		encoding: "utf8",
	}).trim();

function commit(...files: readonly string[]): string {
	for (const file of files) {
		mkdirSync(dirname(join(checkout, file)), { recursive: true });
		writeFileSync(join(checkout, file), `${Math.random()}`);
	}
	git("add", "--all");
	git("commit", "--quiet", "--allow-empty", "--message", files.join(" "));
	return git("rev-parse", "HEAD");
}

const record = (commits: unknown) => {
	mkdirSync(join(checkout, ".ci"), { recursive: true });
	writeFileSync(join(checkout, ".ci/recorded.json"), JSON.stringify(commits));
};

const due = () => dueSuites(checkout, SUITES).map(({ name }) => name);

beforeEach(() => {
	checkout = temporaryDirectory();
	git("init", "--quiet");
	const first = commit("docs/a.md", "src/a.ts", "test/site.test.ts", "README.md");
	record({ site: first, windows: first });
});

it("no suite is due after a change of other files", () => {
	commit("README.md", "packages/core/src.ts");
	expect(due()).toEqual([]);
});

it.each([
	["docs/deep/b.md", "site"],
	["packages/core/README.md", "site"],
	["test/site.test.ts", "site"],
	["src/b.ts", "windows"],
	["test/windows/a/b.test.ts", "windows"],
])("a change of %s makes %s due", (file, suite) => {
	commit(file);
	expect(due()).toEqual([suite]);
});

it("a removed file, a changed file that nobody committed and a new one count", () => {
	git("rm", "--quiet", "docs/a.md");
	writeFileSync(join(checkout, "src/a.ts"), "changed");
	expect(due()).toEqual(["site", "windows"]);
	git("reset", "--quiet", "--hard");
	writeFileSync(join(checkout, "docs/new.md"), "");
	expect(due()).toContain("site");
});

it.each([
	["no record", undefined],
	["a record that is no JSON", "{"],
	["a commit that is not in this history", { site: "0".repeat(40), windows: "0".repeat(40) }],
	["a record without commits", { site: "--help", windows: "" }],
])("every suite is due after %s", (_, commits) => {
	if (commits === undefined) rmSync(join(checkout, ".ci"), { recursive: true });
	else if (typeof commits === "string") writeFileSync(join(checkout, ".ci/recorded.json"), commits);
	else record(commits);
	expect(due()).toEqual(["site", "windows"]);
});

it("every suite is due if the commit of the record is on another branch", () => {
	git("checkout", "--quiet", "-b", "other");
	const other = commit("docs/a.md");
	git("checkout", "--quiet", "-");
	record({ site: other, windows: other });
	expect(due()).toEqual(["site", "windows"]);
});
