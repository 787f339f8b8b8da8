/** Tests how a spython is loaded into the interpreter, and which traces of that a program can see. */

import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { describeEach, PYTHONS, Site } from "./support.js";

const SEEN = `import json, os
print(json.dumps({"variables": [each for each in open("/proc/self/environ").read().split(chr(0)) if "PRELOAD" in each or "/fd/" in each],
	"environ": "LD_PRELOAD" in os.environ, "descriptors": [each for each in map(int, os.listdir("/proc/self/fd")) if each > 3]}))
`;

describeEach(PYTHONS)("the start of a spython of $version, $executable", (python) => {
	let site: Site;
	beforeAll(async () => {
		site = new Site(python);
		site.write({ "seen.py": SEEN, "print.py": `print("printed")\n` });
		await site.sign();
	});

	const shell = (before: string, script: string, spython = site.spython) =>
		spawnSync("sh", ["-c", `${before} exec "$@"`, "sh", spython, "--index", site.index, `app/${script}`], {
			cwd: site.root,
			encoding: "utf8",
			env: {},
		});

	it("leaves neither its environment variable nor its descriptor", () => {
		const plain = spawnSync(python.executable, ["-I", "app/seen.py"], { cwd: site.root, encoding: "utf8", env: {} });
		expect(JSON.parse(plain.stdout)).toMatchObject({ variables: [], environ: false });
		expect(shell("", "seen.py").stdout).toBe(plain.stdout);
		expect(shell("ulimit -n 300;", "seen.py").stdout).toBe(plain.stdout);
	});

	it("starts under every file name", () => {
		const odd = join(site.root, "a b:c\nd");
		mkdirSync(odd);
		copyFileSync(site.spython, join(odd, "$ORIGIN"));
		expect(shell("", "print.py", join(odd, "$ORIGIN")).stdout).toBe("printed\n");
	});

	it("does not write the program's output into the events when standard output is closed", () => {
		const events = join(site.root, "events.jsonl");
		spawnSync(
			"sh",
			["-c", `exec "$@" >&-`, "sh", site.spython, "--audit", events, "--index", site.index, "app/print.py"],
			{
				cwd: site.root,
				env: {},
			},
		);
		const lines = readFileSync(events, "utf8").trimEnd().split("\n");
		expect(lines.length).toBeGreaterThan(1);
		expect(lines.filter((line) => !line.startsWith("{"))).toEqual([]);
	});

	it("says why it cannot start", () => {
		expect(shell("ulimit -n 3;", "print.py")).toMatchObject({
			status: 75,
			stderr: expect.stringMatching(
				/^spython: Cannot start ".*", which it was built for: .*too many arguments, environment variables or open files\n$/,
			),
		});
	});

	it("runs nothing when it cannot be loaded, whatever the environment variables say", () => {
		// Some of these limits leave memory for the interpreter and libc, but not for the spython.
		const limits = Array.from({ length: 40 }, (_, i) => 4000 + 500 * i);
		const results = limits.map((limit) => {
			return spawnSync("sh", ["-c", `ulimit -v ${limit}; exec "$@"`, "sh", site.spython, "--index", site.index], {
				cwd: site.root,
				encoding: "utf8",
				env: { PYTHONINSPECT: "1" },
				input: "print('evil')\n",
			});
		});
		// A shared libpython needs more memory than the spython, so that it is missing first.
		const missing = /unknown option --spython|while loading shared libraries: libpython/;
		expect(results.some(({ stderr }) => missing.test(stderr))).toBe(true);
		expect(results.filter(({ stdout }) => stdout.includes("evil"))).toEqual([]);
	});
});
