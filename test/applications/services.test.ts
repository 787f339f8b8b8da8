import { beforeAll, describe, expect, test } from "vitest";
import { hasLauncher } from "../launcher.js";
import { testApplications } from "./application-tests.js";
import { installedPackages } from "./install.mjs";
import { SERVICES, SERVICES_POLICY } from "./services.js";
import { copyApplications, type SignedTree, signTree } from "./signed-tree.js";

const RELEASES = process.env.SIGTOOL_FULL ? ["20", "22", "24", "26"] : ["24"];
const linux = process.platform === "linux" && process.arch === "x64";
const installed = linux && hasLauncher ? installedPackages("services") : undefined;

describe.skipIf(installed === undefined)("services (linux-x64, the launcher, npm and its registry)", () => {
	let tree: SignedTree;
	beforeAll(() => {
		tree = signTree((directory) => copyApplications(directory, installed ?? "", ["services"]), SERVICES_POLICY);
	}, 600_000);

	describe.each(RELEASES)("Node.js %s", (release) => {
		testApplications(SERVICES, release, () => tree);

		test("v8-compile-cache goes on without the bytecode that it kept", () => {
			const line = ["services/compile-cache.cjs", tree.output];
			expect(tree.runUnguarded(release, line)).toMatchObject({ status: 0 });
			for (let again = 0; again < 2; again++) {
				const { status, stdout, stderr, events } = tree.runRecorded(release, line, "enforce");
				expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: expect.stringContaining("<li>one</li>") });
				const dropped = { event: "vm.compile", verdict: "record", reason: "ERR_UNSIGNED_BYTECODE" };
				expect(events).toContainEqual(expect.objectContaining(dropped));
			}
		});
	});
});
