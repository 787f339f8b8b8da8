/** Runs torch from its wheel, whose main library alone has 450 MB, as a tree of the application. */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PYTHONS } from "../../packages/verifier/test/python/support.js";
import { hasLauncher } from "../launcher.js";
import { nosuidDirectory } from "../nosuid-directory.js";
import { spawnSync } from "../outside.js";
import { temporaryDirectory } from "../temporary.js";
import { adoptInstalled } from "./installed.js";
import { launcherIn } from "./launched.js";

const WHEELS = "/opt/wheels";
const wheel = existsSync(WHEELS) ? readdirSync(WHEELS).find((name) => /^torch-.*-cp311-/.test(name)) : undefined;
const python = PYTHONS.find(({ executable, release }) => {
	// torch imports a numpy that it finds, and the system's may be for another CPython.
	const needed = ["-I", "-c", "import typing_extensions, numpy"];
	return release === "3.11" && spawnSync(executable, needed).status === 0;
});

const MAIN = `import sys
sys.path.insert(0, __file__.rpartition("/")[0] + "/vendor")
import torch
x = torch.arange(6.0).reshape(2, 3)
print(float((x @ x.T).sum()), torch.nn.Linear(3, 2)(x).shape, torch.__version__)
`;

it.skipIf(!hasLauncher || wheel === undefined || python === undefined)(
	`torch, by the policy that compile asks for (needs its wheel for CPython 3.11 in ${WHEELS}, and the launcher)`,
	async () => {
		if (wheel === undefined || python === undefined) return;
		const home = temporaryDirectory();
		const output = nosuidDirectory();
		const app = join(home, "app");
		mkdirSync(app);
		const unpack = ["-m", "zipfile", "-e", join(WHEELS, wheel), join(app, "vendor")];
		expect(spawnSync(python.executable, unpack).status).toBe(0);
		writeFileSync(join(app, "main.py"), MAIN);
		const plain = spawnSync(python.executable, ["-B", "-s", "-E", "main.py"], { cwd: app, encoding: "utf8" });
		expect(plain.status, plain.stderr).toBe(0);
		const policy = { files: { maxSizeBytes: 500_000_000 } };
		const rules = { policy, audit: { stderr: "refusals" }, host: { onRefusal: "exit" } };
		const [spython = "", , index = "", , config = ""] = await adoptInstalled(python, app, home, rules);
		const launcher = launcherIn(join(home, "launcher"), { python, spython, index, config, trees: [app] });
		for (const mode of ["enforce", "strict"]) {
			const [file = "", ...args] = [...launcher, "--mode", mode, "--write", output, join(app, "main.py")];
			const { status, stdout, stderr } = spawnSync(file, args, { cwd: app, encoding: "utf8" });
			expect([mode, status, stdout], stderr).toEqual([mode, 0, plain.stdout]);
		}
	},
);
