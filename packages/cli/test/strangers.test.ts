/** Other users, and the environment, cannot put code of theirs in the place of parts of sigtool. */

import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../test/outside.js";
import { atEndOfFile, isSingleFile, MAIN, makeTree, runner, temporaryDirectory } from "./support.js";

let home: string;
beforeAll(() => {
	home = temporaryDirectory(atEndOfFile);
});

describe.skipIf(isSingleFile)("packages that the environment names (npm package)", () => {
	it("are not loaded in the place of those that are missing", () => {
		const modules = join(home, "project/node_modules");
		for (const name of readdirSync(dirname(MAIN)).filter((each) => each.endsWith(".cjs")))
			cpSync(join(dirname(MAIN), name), join(modules, "@sigtool/cli/dist", name));
		const mark = join(home, "loaded");
		const elsewhere = join(home, ".node_modules");
		for (const name of ["fs-xattr", "@sigtool/verifier", "@sigtool/native"]) {
			mkdirSync(join(elsewhere, name), { recursive: true });
			writeFileSync(join(elsewhere, name, "package.json"), JSON.stringify({ name, version: "0.1.0", main: "i.cjs" }));
			for (const file of ["i.cjs", "build.mjs"])
				writeFileSync(
					join(elsewhere, name, file),
					`process.getBuiltinModule("fs").writeFileSync(${JSON.stringify(mark)}, "");`,
				);
		}
		makeTree(join(home, "app"), { "a.py": "pass\n" });
		const sigtool = (...args: string[]) =>
			spawnSync(process.execPath, [join(modules, "@sigtool/cli/dist/main.cjs"), ...args], {
				encoding: "utf8",
				env: { PATH: process.env.PATH, NO_COLOR: "1", HOME: home, NODE_PATH: elsewhere },
			});
		const attributes = sigtool("verify", "--format", "spython", join(home, "app"));
		expect(attributes.stderr).toContain("fs-xattr is not installed");
		expect(sigtool("native", "build").stderr).toContain("Cannot find @sigtool/verifier");
		expect(sigtool("launcher", "install", "--prefix", join(home, "launcher")).stderr).toContain("[ERR_LAUNCHER]");
		expect(existsSync(mark)).toBe(false);
	});
});

describe.skipIf(process.platform !== "linux")("the directory for temporary files (needs Linux)", () => {
	it("gets no launcher if others can exchange it there", () => {
		const sigtool = runner(home);
		makeTree(join(home, "signed"), { "main.js": "process.stdout.write('ran');\n" });
		expect(sigtool(["sign", join(home, "signed")]).status).toBe(0);
		const shared = join(home, "shared");
		mkdirSync(join(shared, "below"), { recursive: true });
		chmodSync(shared, 0o777);
		const run = (TMPDIR: string) =>
			sigtool(["run", "--allow-development", "--node", process.execPath, join(home, "signed/main.js")], {
				env: { TMPDIR },
			});
		for (const directory of [shared, join(shared, "below")]) {
			const { status, stderr, stdout } = run(directory);
			expect(stderr).toContain(`another user can exchange what is in "${shared}"`);
			expect([status, stdout, readdirSync(shared)]).toEqual([2, "", ["below"]]);
		}
		chmodSync(shared, 0o1777);
		expect(run(shared).stdout).toBe("ran");
	});
});
