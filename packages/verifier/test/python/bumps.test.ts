/** Tests that a spython says what is missing, in words that tell the way out. */

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it } from "vitest";
import { hasHeader, hasProgram, spawnSync } from "../../../../test/outside.js";
import { describeEach, PYTHONS, SANITIZER, Site } from "./support.js";

const DOCS = fileURLToPath(new URL("../../../../docs/how-to", import.meta.url));
const hasProbes = hasHeader("sys/sdt.h") && hasProgram("readelf");

describeEach(PYTHONS)("messages of spython $version, $executable", (python) => {
	let site: Site;
	beforeAll(async () => {
		site = new Site(python);
		site.write({ "main.py": "import helper\nprint('ran')\n", "helper.py": "", "large.py": "#".repeat(3_000_000) });
		await site.sign();
	});

	/** Runs the spython after a line of shell. */
	function shell(before: string, ...args: readonly string[]) {
		return spawnSync("sh", ["-c", `${before}; exec "$@"`, "sh", site.spython, ...args], {
			cwd: site.root,
			encoding: "utf8",
			env: { ...process.env, ...SANITIZER },
		});
	}

	it("names --adopt where the index lacks the library of Python", async () => {
		const empty = join(site.root, "empty");
		mkdirSync(empty);
		const index = join(site.root, "without-library.sigx");
		await site.sign({ library: empty, output: index });
		const run = site.run(["app/main.py"], { index });
		expect(run).toMatchObject({ status: 126, stdout: "" });
		expect(run.stderr).toContain(`spython: ERR_OUTSIDE_PRODUCTS: Cannot start: the trust index does not name`);
		expect(run.stderr).toContain(`"${python.library}"; compile it again with --adopt for it`);
	});

	it("says that the current directory was removed", () => {
		const gone = "mkdir gone; cd gone; rmdir ../gone";
		const module = shell(gone, "--index", site.index, "-m", "json.tool");
		expect(module).toMatchObject({ status: 1, stdout: "" });
		expect(module.stderr).toContain("Cannot run module 'json.tool' from the current directory: it was removed");
		const directory = shell(gone, "--index", site.index, ".");
		expect(directory).toMatchObject({ status: 1, stderr: expect.stringContaining("FileNotFoundError") });
	});

	it("says that the stack is too small, in place of ending by a signal", () => {
		const { status, signal, stderr } = shell("ulimit -s 64", "--index", site.index, "app/main.py");
		expect([status, signal]).toEqual([126, null]);
		expect(stderr).toBe("spython: Cannot start: the limit of the stack is 64 KiB, and must be 128 (ulimit -s)\n");
		expect(shell("ulimit -s 128", "--index", site.index, "app/main.py")).toMatchObject({ status: 0, stdout: "ran\n" });
	});

	it("names maxSizeBytes and the size where a file is too large", async () => {
		const index = join(site.root, "small.sigx");
		await site.sign({ policy: { files: { maxSizeBytes: 2_999_999 } }, output: index });
		const { stderr } = site.run(["app/large.py"], { index });
		expect(stderr).toMatch(
			/it has 3000000 bytes, and files\.maxSizeBytes is 2999999 \(ERR_LIMIT\); .*raise files\.maxSizeBytes/,
		);
	});

	it("uses attributes alone in mode audit, without an index, and says what they prove", () => {
		site.sigtool("sign", site.application, "--format", "spython");
		const alone = (...options: string[]) => shell(":", "--xattr", "spython", ...options, "app/main.py");
		const judged = ({ stderr }: { stderr: string }) => /"path":"[^"]*app\/(\w+\.py)"/g[Symbol.matchAll](stderr);
		const names = (run: { stderr: string }) => [...judged(run)].map(([, name]) => name);

		const same = alone("--mode", "audit");
		expect(same).toMatchObject({ status: 0, stdout: "ran\n" });
		expect(same.stderr).toContain("attributes alone: nothing is refused");
		expect(same.stderr).toContain("not attackers");
		expect(names(same)).toEqual([]);

		site.write({ "helper.py": "# changed\n" });
		const changed = alone("--mode", "audit");
		expect(changed).toMatchObject({ status: 0, stdout: "ran\n" });
		expect(names(changed)).toEqual(["helper.py"]);
		site.write({ "helper.py": "" });

		for (const options of [[], ["--mode", "enforce"]]) {
			const refused = alone(...options);
			expect(refused).toMatchObject({ status: 2, stdout: "" });
			expect(refused.stderr).toContain("attributes alone count in mode audit only");
		}
		rmSync(join(site.application, ".sigtool"), { recursive: true, force: true });
	});

	it.skipIf(!hasProbes)("has the probe that the documents tell of (needs readelf, and sys/sdt.h)", () => {
		const { stdout } = spawnSync("readelf", ["-n", site.spython], { encoding: "utf8" });
		expect(stdout).toMatch(/Provider: sigtool\s+Name: audit\s/);
		expect(readFileSync(join(DOCS, "monitoring.md"), "utf8")).toContain("usdt:./spython:sigtool:audit");
	});
});
