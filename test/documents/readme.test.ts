/** Runs every box of README.md in the order in which a reader meets them. The keys are made by the boxes themselves. */

import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { MAIN } from "../../packages/cli/test/support.js";
import { spawnSync } from "../outside.js";
import { stepsOf } from "./page.js";
import { expectShown, transcript } from "./transcript.js";

const WORKSPACE = fileURLToPath(new URL("../..", import.meta.url));
const home = realpathSync(mkdtempSync(join(tmpdir(), "sigtool-readme-")));
const EVIL = "/tmp/evil.js";
afterAll(() => {
	rmSync(home, { recursive: true, force: true });
	rmSync(EVIL, { force: true });
});

/** These boxes need the whole repository and minutes. `.ci/run` runs the first in a fresh clone, and others have tests of their own. */
const ELSEWHERE = ["Try it", "Install"];

describe("README.md", () => {
	const bin = join(home, "bin");
	mkdirSync(bin);
	writeFileSync(join(bin, "sigtool"), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
	symlinkSync(process.execPath, join(bin, "node"));
	const app = join(home, "app");
	mkdirSync(join(app, "lib"), { recursive: true });
	writeFileSync(join(app, "lib/greeting.js"), 'module.exports = "hello";\n');
	writeFileSync(
		join(app, "main.js"),
		'console.log(require("./lib/greeting.js"));\nif (process.argv[2]) require(process.argv[2]);\n',
	);
	writeFileSync(join(app, "package.json"), '{ "name": "app", "version": "1.0.0", "type": "commonjs" }\n');
	writeFileSync(EVIL, 'console.log("evil ran");\n');

	const steps = stepsOf("README.md");
	const outcomes = transcript(
		steps.filter(({ heading }) => !ELSEWHERE.includes(heading)),
		(script) =>
			spawnSync("bash", ["-c", script], {
				cwd: home,
				encoding: "utf8",
				env: { HOME: home, PATH: `${bin}:/usr/bin:/bin`, LANG: "C.UTF-8" },
				timeout: 300_000,
			}),
	);

	it.each(outcomes.map((each, index) => ({ ...each, index })))("$index: $heading", ({ output, printed, failed }) => {
		if (output === undefined) expect({ failed, printed }).toMatchObject({ failed: [] });
		else expectShown(printed, output, home);
	});

	it("has a program that runs", () => {
		const [, program = ""] = /^```js\n([\s\S]*?)^```$/m.exec(readFileSync(join(WORKSPACE, "README.md"), "utf8")) ?? [];
		mkdirSync(join(home, "node_modules/@sigtool"), { recursive: true });
		symlinkSync(join(WORKSPACE, "packages/core"), join(home, "node_modules/@sigtool/core"));
		writeFileSync(join(home, "program.mjs"), program);
		const { stdout, stderr } = spawnSync(process.execPath, ["program.mjs"], {
			cwd: home,
			encoding: "utf8",
			env: { HOME: home },
		});
		expect({ stdout, stderr }).toEqual({ stdout: "trusted 0\n", stderr: "" });
	});

	it("shows commands elsewhere that others run", () => {
		const elsewhere = steps
			.filter(({ heading }) => ELSEWHERE.includes(heading))
			.flatMap(({ command }) => command.trim().split("\n"));
		expect(elsewhere.map((line) => line.split(" #")[0]?.trim())).toEqual([
			"npx -y pnpm@12 sigtool sign ./test-fixtures/lib",
			"npx -y pnpm@12 test",
			"npx -y pnpm@12 release",
			"npm install --global ./release/*.tgz ./release/native/sigtool-native-linux-x64-[0-9]*.tgz",
		]);
	});
});
