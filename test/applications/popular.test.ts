/** Programs of npm that start no child: each runs in enforce with the policy that is learned from it. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { hasLauncher } from "../launcher.js";
import { skip } from "../outside.js";
import { requireAgreement } from "./application-tests.js";
import { installedPackages } from "./install.mjs";
import { ASK, POPULAR, type Popular } from "./popular.js";
import { copyApplications, type SignedTree, signTree } from "./signed-tree.js";

const linux = process.platform === "linux" && process.arch === "x64";
const isFull = process.env.SIGTOOL_FULL !== undefined;
/** The full run installs some 900 MB. */
const PROGRAMS = isFull ? POPULAR : POPULAR.filter(({ isShort }) => isShort);
const RELEASES = isFull ? ["20", "22", "24", "26"] : ["20", "24"];

describe.skipIf(!linux || !hasLauncher)("popular programs (linux-x64, the launcher, npm and its registry)", () => {
	describe.each(PROGRAMS.map((program) => [nameOf(program), program] as const))("%s", (_, program) => {
		let tree: SignedTree;
		beforeAll(() => {
			const installed = installedPackages("popular", program.packages) ?? skip("npm cannot reach its registry");
			tree = signTree((directory) => {
				copyApplications(directory, installed, []);
				for (const [name, text] of Object.entries({ "ask.cjs": ASK, ...program.files })) {
					mkdirSync(dirname(join(directory, name)), { recursive: true });
					writeFileSync(join(directory, name), text);
				}
			}, {});
		});

		test.each(releasesOf(program))("works on Node.js %s", (release) => {
			const argv = program.argv.map((argument) => argument.replace("OUTPUT", tree.output));
			requireAgreement(tree, release, argv, { status: 0, ...program });
		});
	});
});

test("docs/reference/compatibility.md names each of them with its version", () => {
	const page = readFileSync(new URL("../../docs/reference/compatibility.md", import.meta.url), "utf8");
	const manifest = readFileSync(new URL("packages/popular/package.json", import.meta.url), "utf8");
	const { dependencies } = JSON.parse(manifest);
	expect(Object.keys(dependencies).sort()).toEqual([...new Set(POPULAR.flatMap(({ packages }) => packages))].sort());
	const named = POPULAR.map(({ packages: [name = ""] }) => `${name} ${dependencies[name].replace(/\.\d+$/, "")}`);
	expect(named.filter((each) => !page.includes(each))).toEqual([]);
});

function nameOf({ packages, argv: [script] }: Popular): string {
	return `${packages.join(", ")} by ${script}`;
}

function releasesOf({ isShort, requiresEsModules }: Popular): readonly string[] {
	const releases = isShort ? RELEASES : ["20", "24"];
	return requiresEsModules ? releases.filter((release) => release !== "20") : releases;
}
