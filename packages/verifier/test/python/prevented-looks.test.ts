/** A program under spython makes its process lack what a look at the deny list needs. */

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { describeEach, PYTHONS, Site } from "./support.js";

/** The program puts the longer deny list in place, waits until a look is due, and prevents the look for one import. */
const PROGRAM = (shortage: string) => `
import os, resource, sys, time
os.rename(sys.argv[1], sys.argv[2])
time.sleep(5.2)
${shortage}
import victim
`;

const SHORTAGES: Readonly<Record<string, string>> = {
	nothing: "",
	descriptors: `
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
try: import other
except OSError: pass
resource.setrlimit(resource.RLIMIT_NOFILE, limits)`,
	memory: `
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
resource.setrlimit(resource.RLIMIT_AS, (used, -1))`,
};

describeEach(PYTHONS.slice(0, 1), process.getuid?.() === 0)(
	"looks of spython $version at the deny list (as root)",
	(python) => {
		let site: Site;
		beforeAll(() => {
			site = new Site(python);
		});

		it.each(Object.keys(SHORTAGES))("a denial counts for a program that lacks %s", async (shortage) => {
			const victim = "print('victim')";
			site.write({ "main.py": PROGRAM(SHORTAGES[shortage] ?? ""), "victim.py": victim, "other.py": "" });
			await site.sign();
			const config = join(site.root, "verifier.json");
			const document = { version: 1, ...site.trusted, audit: { stderr: "refusals" } };
			writeFileSync(config, JSON.stringify(document), { mode: 0o600 });
			const run = () => {
				const denied = createHash("sha256")
					.update(readFileSync(join(site.root, "app/victim.py")))
					.digest("hex");
				const longer = join(site.root, "longer.json");
				writeFileSync(longer, JSON.stringify({ ...document, deny: [{ file: denied, reason: "bad" }] }), {
					mode: 0o600,
				});
				return site.run(["app/main.py", longer, config], { options: ["--config", config] });
			};
			const { stdout, stderr } = run();
			expect([stdout, stderr]).toEqual(["", expect.stringContaining("ERR_DENIED")]);
		});
	},
);
