import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { APPLICATIONS } from "./applications.js";
import { compiledDatabase, installedPackages } from "./install.mjs";

const RELEASES = ["20", "24"];
const linux = process.platform === "linux" && process.arch === "x64";
const installed = linux ? installedPackages("programs") : undefined;

describe.skipIf(installed === undefined)("real applications (linux-x64, npm and its registry)", () => {
	const home = mkdtempSync(join(tmpdir(), "sigtool-applications-"));
	const tree = join(home, "tree");
	beforeAll(() => {
		for (const release of RELEASES) compiledDatabase(installed ?? "", nodeOfRelease(release));
		cpSync(fileURLToPath(new URL(".", import.meta.url)), tree, { recursive: true });
		symlinkSync(join(installed ?? "", "node_modules"), join(tree, "node_modules"));
	}, 600_000);
	afterAll(() => rmSync(home, { recursive: true, force: true }));

	describe.each(RELEASES)("Node.js %s", (release) => {
		test.each(APPLICATIONS)("$name does its work", ({ argv, status, prints }) => {
			const args = argv.map((argument) => (argument === "OUTPUT" ? join(home, "output") : argument));
			const result = spawnSync(nodeOfRelease(release), args, { cwd: tree, encoding: "utf8" });
			expect(result.status).toBe(status);
			expect(result.stdout).toContain(prints);
		});
	});
});
