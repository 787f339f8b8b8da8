/**
 * Runs the tests that know of time 400 days later, so that none of them depends on today: `pnpm test:dates`. libfaketime
 * reaches no program that is static or has a sanitizer, so files that start one are left out.
 */

import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const SUITES = [
	...["pki", "sign", "signer", "trust", "verify"].map((room) => `packages/core/test/${room}/`),
	...["identity", "log", "policy", "report", "trust", "verify"].map((name) => `packages/cli/test/commands/${name}/`),
];
const LEFT_OUT = [
	"packages/core/test/signer/pkcs11/pkcs11-hostile.test.ts", // It compiles a module with a sanitizer.
	"packages/cli/test/commands/policy/signed-policy.test.ts", // It starts the launcher, which is static.
	"packages/cli/test/commands/trust/deny.test.ts", // It asks how old a lock is, and libfaketime moves no time of a file.
];

const workspace = fileURLToPath(new URL("..", import.meta.url));
if (spawnSync("faketime", ["--version"]).error !== undefined) {
	console.log("skipped: the tests on a later day (needs faketime)");
	process.exit(process.env.CI ? 1 : 0);
}
const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
const projects = ["parallel", "alone", "long"].flatMap((name) => ["--project", name]);
const listed = execFileSync("git", ["ls-files", "--", ...SUITES], { cwd: workspace, encoding: "utf8" }).split("\n");
const files = listed.filter((file) => file.endsWith(".test.ts") && !LEFT_OUT.includes(file));
const { status } = spawnSync("faketime", ["-f", "+400d", process.execPath, vitest, "run", ...projects, ...files], {
	cwd: workspace,
	stdio: "inherit",
});
process.exitCode = status ?? 1;
