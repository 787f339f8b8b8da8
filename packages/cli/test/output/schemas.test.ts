/** Tests the schemas of the JSON documents themselves. Each test that runs a command with --json tests its documents. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../dist/commands/commands.js";
import { errorsOf } from "../documents.js";
import { makeTree, runner, temporaryDirectory } from "../support.js";

const schemas = fileURLToPath(new URL("../../schemas", import.meta.url));
const files = readdirSync(schemas);

/** Returns the names of all commands that do something. Those that only group others have no document. */
function commandNames(): string[] {
	return COMMANDS.flatMap(({ name, commands = [] }) => {
		return commands.length === 0 ? [name] : commands.map((each) => `${name} ${each.name}`);
	});
}

describe("the schemas", () => {
	test("describe every command, and nothing else", () => {
		const expected = commandNames().map((name) => `${name.replaceAll(" ", "-")}.schema.json`);
		expect(files).toEqual([...expected, "common.schema.json", "failure.schema.json"].sort());
	});

	test("are on the page of the documentation", () => {
		const page = readFileSync(fileURLToPath(new URL("../../../../docs/reference/json.md", import.meta.url)), "utf8");
		for (const name of commandNames()) expect(page).toContain(`\n## ${name}\n`);
	});

	test("refuse members that they do not name, and demand those that they name", () => {
		const home = temporaryDirectory();
		makeTree(join(home, "lib"), { a: "1" });
		const document = runner(home)(["sign", "lib", "--json"], { cwd: home }).json();
		expect(errorsOf(document)).toEqual([]);
		expect(errorsOf({ ...document, more: 1 })).not.toEqual([]);
		expect(errorsOf({ ...document, signer: { ...document.signer, more: 1 } })).not.toEqual([]);
		const { files: _, ...less } = document;
		expect(errorsOf(less)).not.toEqual([]);
		expect(errorsOf({ ...document, exit: 7 })).not.toEqual([]);
	});

	test("describe failures also where the arguments name no command", () => {
		const home = temporaryDirectory();
		for (const args of [["--json"], ["identity", "--json"], ["nothing", "--json"], ["sign", "--json"]]) {
			const { status, json } = runner(home)(args, { cwd: home });
			expect([status, errorsOf(json())]).toEqual([2, []]);
		}
	});
});
