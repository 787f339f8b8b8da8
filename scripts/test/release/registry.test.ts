/** Nothing tells people to install from a registry what nobody has published there. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { spawnSync } from "../../../test/outside.js";
import { releaseFacts } from "../../release/workspace.mjs";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * A command that would fetch one of our packages from a registry. A file such as ./release/sigtool-cli-1.0.0.tgz is none, also behind
 * `@file:`.
 */
const FETCHING =
	/\b(?:npm|pnpm|yarn|bun)\s+(?:i|install|add|exec|dlx|x)\b[^\n`]*@sigtool\/(?![\w-]+@file:)|\b(?:npx|pnpx|bunx)\s[^\n`]*@sigtool\/|https?:\/\/(?:www\.)?npmjs\.com\/package\/@sigtool|\b(?:docker|podman) (?:pull|run) [^\n`]*[\w.]\/sigtool[:@\s]/;

function filesOf(...patterns: readonly string[]): string[] {
	const { stdout } = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--", ...patterns], {
		cwd: workspace,
		encoding: "utf8",
	});
	return stdout.trim().split("\n");
}

it("no document, example, help or message tells to install from a registry, while release.json names none", () => {
	const files = filesOf("*.md", "examples", "docs", "packages/*/src/*", "bench/*.md", "action");
	expect(files.length).toBeGreaterThan(100);
	if (releaseFacts().registry !== null) return;
	const found = files.flatMap((file) => {
		const lines = readFileSync(join(workspace, file), "utf8").split("\n");
		return lines.filter((line) => FETCHING.test(line)).map((line) => `${file}: ${line.trim()}`);
	});
	expect(found).toEqual([]);
});

it("no example's manifest asks a registry for one of our packages, while release.json names none", () => {
	if (releaseFacts().registry !== null) return;
	for (const file of filesOf("examples/*/package.json")) {
		const { dependencies = {}, devDependencies = {} } = JSON.parse(readFileSync(join(workspace, file), "utf8"));
		const ours = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => name.startsWith("@sigtool/"));
		expect([file, ours]).toEqual([file, []]);
	}
});

it.each([
	["npm install @sigtool/cli", true],
	["npx @sigtool/cli sign ./lib", true],
	["npx -y @sigtool/cli@1 sign", true],
	["pnpm add -D @sigtool/core", true],
	["docker run --rm ghcr.io/example/sigtool:1 verify .", true],
	["docker run --rm sigtool:VERSION verify .", false],
	["npm install ./release/sigtool-core-0.1.0.tgz", false],
	['import { verifyPath } from "@sigtool/core/read";', false],
])("the search finds %s: %s", (line, expected) => {
	expect(FETCHING.test(line)).toBe(expected);
});
