/** An attacker puts an older index back, over files that are still those of its catalog. */

import { copyFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { canBeHost, RUNTIMES, Site } from "./site.js";

describe.skipIf(!canBeHost)("an older index put back (needs root, and the launcher built)", () => {
	it.each(RUNTIMES)("is refused by $name where the host demands a newer one", (runtime) => {
		const site = new Site(runtime);
		const text = runtime.kind === "node" ? "console.log('ran')" : "print('ran')";
		site.release("app", { [site.script]: text }, 1);
		site.configure("app");
		site.compile("app", "older.sigx", ["--sequence", "6"]);
		site.compile("app", "app.sigx", ["--sequence", "7"]);
		site.install("app.sigx", "enforce");
		const start = () => site.start(`app/${site.script}`);
		site.configure("app", {}, { minimumCompiled: 7 });
		expect(start()).toMatchObject({ status: 0, stdout: "ran\n" });

		copyFileSync(site.at("older.sigx"), site.at("app.sigx"));
		const refused = start();
		expect(refused).toMatchObject({ status: 126, stdout: "" });
		expect(refused.stderr).toMatch(/ERR_SEQUENCE/);
		expect(refused.stderr).toMatch(/at least 7/);
		expect(site.host.sigtool(["launcher", "check", ...site.host.prefix])).toMatchObject({
			status: 1,
			stdout: expect.stringMatching(
				/wrong +index .*(the sequence of its index is 6, and this host demands at least 7|this host demands an index with a sequence of at least 7)/,
			),
		});

		// The sequence of the release is the same in both indexes, so it did not help.
		site.configure("app", {}, { minimumSequence: 1 });
		expect(start()).toMatchObject({ status: 0 });

		// An index of the default sequence, which is its time in seconds, is newer than any number that was given by hand.
		site.configure("app", {}, { minimumCompiled: 7 });
		site.compile("app", "app.sigx");
		expect(start()).toMatchObject({ status: 0, stdout: "ran\n" });
	});
});
