import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { testApplications } from "./application-tests.js";
import { installedPackages } from "./install.mjs";
import { SERVICES, SERVICES_POLICY } from "./services.js";
import { copyApplications, noLauncher, type SignedTree, signTree } from "./signed-tree.js";

const RELEASES = process.env.SIGTOOL_FULL ? ["20", "22", "24", "26"] : ["24"];
const linux = process.platform === "linux" && process.arch === "x64";
const installed = linux && noLauncher === undefined ? installedPackages("services") : undefined;

describe.skipIf(installed === undefined)("services (linux-x64, the launcher, npm and its registry)", () => {
	let tree: SignedTree;
	beforeAll(() => {
		tree = signTree((directory) => copyApplications(directory, installed ?? "", ["services"]), SERVICES_POLICY);
	}, 600_000);
	afterAll(() => tree?.[Symbol.dispose]());

	describe.each(RELEASES)("Node.js %s", (release) => {
		testApplications(SERVICES, release, () => tree);

		test("v8-compile-cache goes on without the bytecode that it kept", () => {
			const line = ["services/compile-cache.cjs", tree.output];
			expect(tree.runUnguarded(release, line)).toMatchObject({ status: 0 });
			for (let again = 0; again < 2; again++) {
				const { status, stdout, stderr } = tree.run(release, line);
				expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: expect.stringContaining("<li>one</li>") });
				expect(stderr).toContain('"reason":"ERR_UNSIGNED_BYTECODE"');
			}
		});
	});
});
