import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isSingleFile, runner, temporaryDirectory } from "../../support.js";

test.skipIf(isSingleFile)("NODE_OPTIONS acts on the command line, and the README and `run --help` say so", () => {
	const home = temporaryDirectory();
	const other = join(home, "other.cjs");
	writeFileSync(other, 'process.stdout.write("other code ran\\n");');
	const sigtool = runner(home);
	const env = { NODE_OPTIONS: `--require ${other}` };
	expect(sigtool(["--version"], { env }).stdout).toContain("other code ran");
	expect(readFileSync(new URL("../../../../../README.md", import.meta.url), "utf8")).toContain("`NODE_OPTIONS`");
	expect(sigtool(["run", "--help"]).stdout).toContain("NODE_OPTIONS");
});
