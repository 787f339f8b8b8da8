/** Tests that the hook of Node.js applies `files.owner` and `files.othersWrite` of the policy to what a program loads. */

import { chmodSync, chownSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeApplication, RELEASES } from "./application.js";

const isRoot = process.getuid?.() === 0;

describe.each(RELEASES)("owner and mode under the hook of Node.js %s", (release) => {
	const FILES = {
		"main.cjs": `
			const tried = (name, load) => { try { return load(); } catch (error) { return error.cause?.code ?? error.code; } };
			const required = ["./a.cjs", "./data.json"].map((name) => tried(name, () => require(name).name));
			import("./b.mjs").then(({ name }) => name, (error) => error.cause?.code ?? error.code)
				.then((name) => console.log(JSON.stringify([...required, name])));`,
		"a.cjs": "exports.name = 'a';",
		"b.mjs": "export const name = 'b';",
		"data.json": '{ "name": "data" }',
	};
	const LOADED = ["a.cjs", "data.json", "b.mjs"];

	it.each([
		["a policy without the members", {}, 0, 0o666, ["a", "data", "b"]],
		["othersWrite: refuse", { othersWrite: "refuse" }, 0, 0o644, ["a", "data", "b"]],
		["othersWrite: refuse", { othersWrite: "refuse" }, 0, 0o664, Array(3).fill("ERR_FILE_WRITABLE")],
		["owner: any", { owner: "any" }, 1234, 0o644, ["a", "data", "b"]],
		["owner: root", { owner: "root" }, 1234, 0o644, Array(3).fill("ERR_FILE_OWNER")],
	])("%s: %j makes of user %i and this mode what it should", async (_, files, owner, mode, expected) => {
		using application = await makeApplication(FILES, { policy: { files }, configuration: { onRefusal: "throw" } });

		chmodSync(join(application.directory, "main.cjs"), 0o644);
		for (const name of LOADED) {
			const path = join(application.directory, name);
			if (isRoot) chownSync(path, owner, 0);
			chmodSync(path, mode);
		}
		const { status, stdout, stderr } = application.run(release, ["main.cjs"]);
		expect([status, stdout.trim()], stderr).toEqual([0, JSON.stringify(expected)]);
		const refused = application.events().filter(({ verdict }) => verdict === "refuse");
		expect(new Set(refused.map(({ detail }) => detail))).toEqual(
			new Set(expected[0] === "a" ? [] : [`owner ${isRoot ? owner : process.getuid?.()}, mode 0${mode.toString(8)}`]),
		);
	});
});
