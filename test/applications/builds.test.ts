import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { hasLauncher } from "../launcher.js";
import { execFileSync } from "../outside.js";
import { testApplications } from "./application-tests.js";
import { BUILDS, BUILDS_POLICY } from "./builds.js";
import { installedPackages } from "./install.mjs";
import { copyApplications, type SignedTree, signTree } from "./signed-tree.js";

const linux = process.platform === "linux" && process.arch === "x64";
/** These programs have 380 MB, so scripts/test-projects.mjs names this file among those that only the full tests run. */
const installed = linux && hasLauncher ? installedPackages("builds") : undefined;

describe.skipIf(installed === undefined)("builds (linux-x64, the launcher, npm and its registry)", () => {
	let tree: SignedTree;
	beforeAll(() => {
		tree = signTree((directory) => {
			copyApplications(directory, installed ?? "", ["builds"]);
			// Where it may write, Next.js keeps pages that it has made beside the site.
			writeFileSync(join(directory, ".sigtoolignore"), "/builds/next/.next/server/route-cache/\n");
			// Next.js writes into the directory of this user's settings.
			const own = { XDG_CONFIG_HOME: join(directory, "../next"), NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" };
			const env = { ...process.env, ...own };
			const build = ["node_modules/next/dist/bin/next", "build", "builds/next"];
			execFileSync(nodeOfRelease("24"), build, { cwd: directory, env, stdio: ["ignore", "ignore", "inherit"] });
		}, BUILDS_POLICY);
	}, 600_000);

	describe.each(["20", "22", "24", "26"])("Node.js %s", (release) => testApplications(BUILDS, release, () => tree));
});
