/** Tests that the recording in docs/README.md is what a terminal shows today, and how it becomes a part of a page. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../test/outside.js";
import { readCast, textOf, withRecordings } from "../../docs/recordings.mjs";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const hasLauncher = existsSync(join(workspace, "packages/verifier/dist/native/sigtool-launch"));
const events = readCast(readFileSync(join(workspace, "docs/recordings/one-changed-byte.cast"), "utf8"));

describe("the recording", () => {
	it.skipIf(!hasLauncher)("is fresh (needs the launcher built)", () => {
		const script = join(workspace, "scripts/docs/record.mjs");
		const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
		expect(stderr).toBe("");
		expect(status).toBe(0);
	});

	it("shows a program that runs, one changed byte, and two refusals", () => {
		const text = textOf(events);
		const order = [
			"hello Ada",
			"sed -i",
			'"lib/greet.js" was modified [ERR_FILE_MODIFIED]',
			'Cannot run "./app/main.js"',
		];
		const places = order.map((part) => text.indexOf(part));
		expect(places).not.toContain(-1);
		expect(places).toEqual([...places].sort((a, b) => a - b));
	});

	it("has moments that never go back, and ends within half a minute", () => {
		const seconds = events.map(([moment]) => moment);
		expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
		expect(seconds.at(-1)).toBeLessThan(30);
	});

	it("becomes a figure that has the same text", () => {
		const page = withRecordings("a\n<!-- recording: one-changed-byte -->\nold\n<!-- end -->\nb", workspace);
		expect(page).toMatch(/^a\n<figure class="recording">\n/);
		expect(page).not.toContain("old");
		const text = page
			.replace(/<[^>]+>/g, "")
			.replaceAll("&lt;", "<")
			.replaceAll("&gt;", ">")
			.replaceAll("&amp;", "&");
		expect(text.replace(/\n+b$/, "\nb")).toBe(`a\n\n${textOf(events).replace(/^`+console\n|\n`+\n$/g, "")}\nb`);
	});
});
