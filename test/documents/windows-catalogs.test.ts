/** Runs the recipes for catalogs of PowerShell modules and drivers, with a key made as docs/reference/signing.md says. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasJudges } from "../../packages/cli/test/catalog-judges.js";
import { minimalPe } from "../../packages/cli/test/minimal-pe.js";
import { atEndOfFile, MAIN, temporaryDirectory } from "../../packages/cli/test/support.js";
import { spawnSync } from "../outside.js";
import { stepsOf } from "./page.js";
import { transcript } from "./transcript.js";

const RECIPES: readonly (readonly [page: string, heading: string])[] = [
	["signing.md", "A key made by OpenSSL"],
	["windows-macos.md", "A catalog for a PowerShell module"],
	["windows-macos.md", "A catalog beside a driver"],
	["catalog-format.md", "Who accepts it"],
];

describe.skipIf(!hasJudges)("recipes for catalogs (openssl, osslsigncode)", () => {
	const home = temporaryDirectory(atEndOfFile);
	for (const directory of ["bin", "MyModule", "mydriver"]) mkdirSync(join(home, directory));
	writeFileSync(join(home, "bin/sigtool"), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
	writeFileSync(join(home, "MyModule/MyModule.psm1"), "function Get-Hello { 'hello' }\n");
	writeFileSync(join(home, "mydriver/mydriver.inf"), "[Version]\r\nCatalogFile=mydriver.cat\r\n");
	writeFileSync(join(home, "mydriver/mydriver.sys"), minimalPe(0x90));

	const PATH = `${join(home, "bin")}:/usr/bin:/bin`;
	const options = {
		cwd: home,
		encoding: "utf8",
		env: { HOME: home, PATH, LANG: "C.UTF-8", SIGTOOL_PASSPHRASE: "secret" },
	} as const;
	const steps = RECIPES.map(([page, heading]) => {
		const [step, ...others] = stepsOf(`docs/reference/${page}`).filter((each) => each.heading === heading);
		if (step === undefined || others.length > 0) throw new Error(`${page} has not one box below "${heading}"`);
		return step;
	});
	const outcomes = transcript(steps, (script) => spawnSync("bash", ["-c", script], options));

	it.each(outcomes)("$heading", ({ printed, failed }) => expect({ failed, printed }).toMatchObject({ failed: [] }));

	it.each([
		["osslsigncode refuses an .inf", "osslsigncode verify -catalog mydriver/mydriver.cat -in mydriver/mydriver.inf"],
		["openssl needs -purpose any", "openssl smime -verify -inform DER -in mydriver/mydriver.cat -out list"],
	])("%s", (_what, command) => {
		const { stdout, stderr, status } = spawnSync("bash", ["-c", `${command} -CAfile release.crt`], options);
		expect(status).not.toBe(0);
		expect(stdout + stderr).toMatch(/unsupported input file type|unsuitable certificate purpose/);
	});

	it("the container signs too", () => {
		const { status } = spawnSync("bash", ["-c", "sigtool sign ./MyModule --p12 release.p12"], options);
		expect(status).toBe(0);
	});
});
