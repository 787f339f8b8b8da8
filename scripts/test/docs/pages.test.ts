/** Tests how the documents of the repository become pages of the site, and what `pnpm lint` refuses in them. */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { spawnSync } from "../../../test/outside.js";
import { temporaryDirectory } from "../../../test/temporary.js";
import { withDrawings } from "../../docs/drawings.mjs";
import { siteLinks } from "../../docs/links.mjs";
import { fenced, headingAnchors, linkTargets } from "../../docs/markdown.mjs";
import { siteGroups } from "../../docs/pages.mjs";

let folder: string;
beforeEach(() => {
	folder = temporaryDirectory();
	spawnSync("git", ["init", "-q", folder]);
	write("docs/README.md", "# Docs\n\n## How-to guides\n\n- [Deploy](how-to/deploy.md): how\n");
	write("docs/how-to/deploy.md", "# Deploy\n\n## On a host\n");
	write("examples/deploy/README.md", "# An example\n");
	write("examples/deploy/ship.sh", "exit 0\n");
	write("packages/core/main.c", "");
	write("README.md", "# Readme\n");
});

function write(name: string, text: string): void {
	mkdirSync(dirname(join(folder, name)), { recursive: true });
	writeFileSync(join(folder, name), text);
}
function check() {
	const script = fileURLToPath(new URL("../../docs/check.mjs", import.meta.url));
	return spawnSync(process.execPath, [script, folder], { encoding: "utf8" });
}

describe("check.mjs", () => {
	it("accepts pages that are listed, and links that lead somewhere", () => {
		write("README.md", "[a](docs/how-to/deploy.md#on-a-host) [b](examples/deploy) `[c](nowhere)`\n");
		expect(check()).toMatchObject({ status: 0, stderr: "" });
	});

	it.each([
		["a page on no list", "docs/how-to/other.md", "# Other\n", "docs/how-to/other.md is on no list"],
		["a page that does not exist", "docs/README.md", "## A\n- [B](b.md)\n", "lists docs/b.md, which does not exist"],
		["a link to no file", "README.md", "[a](docs/none.md)\n", 'README.md: the link to "docs/none.md" leads nowhere'],
		[
			"a link to no heading",
			"README.md",
			"[a](docs/how-to/deploy.md#x)\n",
			"names no heading of docs/how-to/deploy.md",
		],
	])("refuses %s", (_, name, text, message) => {
		write(name, text);
		const { status, stderr } = check();
		expect(stderr).toContain(message);
		expect(status).toBe(1);
	});

	it("refuses a page that is listed twice", () => {
		const line = "- [Deploy](how-to/deploy.md)\n";
		write("docs/README.md", `## A\n${line}${line}`);
		expect(check().stderr).toContain("docs/how-to/deploy.md is listed twice");
	});
});

describe("links in the site", () => {
	const link = (target: string, repository: string | null = null) => {
		const pages = siteGroups(folder).flatMap((group) => group.pages);
		return siteLinks(`[x](${target})`, "docs/how-to/deploy.md", "how-to/deploy.md", { folder, pages, repository });
	};

	it.each([
		["../README.md", "[x](../index.md)"],
		["../../README.md", "[x](../project/overview.md)"],
		["../../examples/deploy", "[x](../examples/deploy.md)"],
		["../../examples/deploy/README.md", "[x](../examples/deploy.md)"],
		["../../examples/deploy/ship.sh", "[x](../examples/deploy.md#file-ship.sh)"],
		["../../examples/", "[x](../examples/index.md)"],
		["#on-a-host", "[x](#on-a-host)"],
		["https://example.org/a.md", "[x](https://example.org/a.md)"],
	])("%s becomes %s", (target, written) => {
		expect(link(target)).toBe(written);
	});

	it("to other files lead to the repository, or remain as words while it has no address", () => {
		expect(link("../../packages/core/main.c")).toBe("x");
		const written = link("../../packages/core/main.c", "https://example.org/sigtool");
		expect(written).toBe("[x](https://example.org/sigtool/blob/HEAD/packages/core/main.c)");
	});
});

describe("Markdown", () => {
	it("has no links in code", () => {
		const text = "[a](1) `[b](2)` [`c`](3)\n```\n[d](4)\n```\n[e\nf](5) ![g](6)\n";
		expect(linkTargets(text)).toEqual(["1", "3", "5", "6"]);
	});

	it("has anchors as Git hosts make them, also for headings that repeat", () => {
		expect(headingAnchors("# A `b` [c](d)\n## Node.js, 20\n```\n# no\n```\n## Node.js, 20\n")).toEqual([
			"a-b-c",
			"nodejs-20",
			"nodejs-20-1",
		]);
	});

	it("is fenced by more ticks than it contains", () => {
		expect(fenced("````\n", "md")).toBe("`````md\n````\n`````\n");
	});
});

describe("drawings", () => {
	const draw = (...lines: readonly string[]) => withDrawings(`\`\`\`mermaid\n${lines.join("\n")}\n\`\`\`\n`, "a.md");

	it("are SVG with a title, the labels, and nothing from elsewhere", () => {
		const page = draw("graph TD", '  accTitle: From "a" to b', '  a["one<br/>two"] -->|then| b["three"]');
		expect(page).toContain('role="img" aria-label="From &quot;a&quot; to b"');
		for (const label of ["one", "two", "then", "three"]) expect(page).toContain(`>${label}<`);
		expect(page).not.toMatch(/@import|<style|https?:\/\/(?!www\.w3\.org)/);
		expect(page.trim()).not.toMatch(/\n\s*\n/);
	});

	it("need a title, and all labels", () => {
		expect(() => draw("graph TD", "  a --> b")).toThrow("Cannot draw a block of a.md: it has no title");
		const lost = () => draw("graph TD", "  accTitle: t", "  a --> b", '  b["lost words"] --> c');
		expect(lost).toThrow('"lost words" is lost');
	});
});
