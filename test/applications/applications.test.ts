import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { beforeAll, describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { hasLauncher } from "../launcher.js";
import { testApplications } from "./application-tests.js";
import { APPLICATIONS, POLICY } from "./applications.js";
import { compiledDatabase, installedPackages } from "./install.mjs";
import { copyApplications, type SignedTree, signTree } from "./signed-tree.js";

const RELEASES = process.env.SIGTOOL_FULL ? ["20", "22", "24", "26"] : ["20", "24"];
/** better-sqlite3 12 does not support Node.js 26. */
const DATABASE_RELEASES = process.env.SIGTOOL_FULL ? ["20", "22", "24"] : ["20", "24"];
const linux = process.platform === "linux" && process.arch === "x64";
const installed = linux && hasLauncher ? installedPackages("programs") : undefined;

describe.skipIf(installed === undefined)("real applications (linux-x64, the launcher, npm and its registry)", () => {
	let tree: SignedTree;
	const addons = new Map<string, string | undefined>();
	beforeAll(() => {
		for (const release of DATABASE_RELEASES) {
			addons.set(release, compiledDatabase(installed ?? "", nodeOfRelease(release)));
		}
		tree = signTree((directory) => {
			copyApplications(directory, installed ?? "", ["programs", "project"]);
		}, POLICY);
	}, 600_000);

	describe.each(RELEASES)("Node.js %s", (release) => {
		test("express serves requests, and ends when told to", async () => {
			const server = tree.start(release, ["programs/express.cjs"]);
			const output = linesOf(server.stdout);
			const ended = once(server, "exit");
			const origin = `http://127.0.0.1:${await output.line()}`;
			const json = { method: "POST", body: "[1, 2, 3]", headers: { "content-type": "application/json" } };
			expect(await (await fetch(`${origin}/greeting/world`)).json()).toEqual({ hello: "world" });
			expect(await (await fetch(`${origin}/sum`, json)).text()).toBe("6");
			expect(await (await fetch(`${origin}/files/shapes.js`)).text()).toContain("export function area");
			expect((await fetch(`${origin}/nothing`)).status).toBe(404);
			server.kill("SIGTERM");
			expect(await ended).toEqual([0, null]);
			expect(await output.line()).toBe("closed");
		});

		testApplications(
			APPLICATIONS,
			release,
			() => tree,
			() => addons.get(release),
		);
	});
});

/** Returns the lines of a stream one by one, as they arrive. */
function linesOf(stream: Readable | null) {
	if (stream === null) throw new Error("nothing to read from");
	const lines = createInterface(stream)[Symbol.asyncIterator]();
	return { line: async () => (await lines.next()).value };
}
