/** Follows each tutorial by its text alone, on a machine where nothing of sigtool is set up. */

import { mkdirSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { canOverlay } from "../operations/overlay-root.js";
import { SignedHost } from "../operations/signed-host.js";
import { stepsOf } from "./page.js";
import { expectShown, transcript } from "./transcript.js";

const PAGES = ["sign-a-library", "sign-in-a-pipeline", "run-only-signed-code"];

describe.skipIf(!canOverlay).each(PAGES)("docs/tutorials/%s.md", (name) => {
	const host = new SignedHost();
	afterAll(() => host.remove());
	mkdirSync(host.at("/home/ada"), { recursive: true });
	const outcomes = transcript(stepsOf(`docs/tutorials/${name}.md`), (script) =>
		host.run(["bash", "-c", script], { cwd: "/home/ada", env: { HOME: "/home/ada", CI: "true" } }),
	);

	it("has steps", () => expect(outcomes.length).toBeGreaterThan(8));

	it.each(outcomes.map((each, index) => ({ ...each, index })))("$index: $heading", ({ output, printed, failed }) => {
		if (output === undefined) expect({ failed, printed }).toMatchObject({ failed: [] });
		else expectShown(printed, output);
	});
});
