/** Tests the schemas of the JSON documents themselves. Each test that runs a command with --json tests its documents. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../dist/commands/commands.js";
import { errorsOf } from "../documents.js";
import { makeTree, runner, temporaryDirectory } from "../support.js";
import { membersOf, outline, type Schema } from "./outline.js";

const schemas = fileURLToPath(new URL("../../schemas", import.meta.url));
const files = readdirSync(schemas);
const read = (file: string) => JSON.parse(readFileSync(join(schemas, file), "utf8"));

/** Returns the names of all commands that do something. Those that only group others have no document. */
function commandNames(): string[] {
	return COMMANDS.flatMap(({ name, commands = [] }) => {
		return commands.length === 0 ? [name] : commands.map((each) => `${name} ${each.name}`);
	});
}

/** Returns each document of a command in short: on its first line what documents of all commands have, then its own. */
function documentsOf({ $schema: _, $id, title, description, ...schema }: Schema): string {
	const documents = (schema.anyOf ?? [schema]).map((document) => {
		const members = membersOf(document, "\t");
		const isCommon = (member: string) => /^(command|exit|notes|warnings|error)\b/.test(member);
		const own = members.filter((member) => !isCommon(member)).map((member) => `\t${member}\n`);
		return `${members.filter(isCommon).join(", ")}\n${own.join("")}`;
	});
	return `${$id}\n${documents.join("")}`;
}

describe("the schemas", () => {
	test("describe every command, and nothing else", () => {
		const expected = commandNames().map((name) => `${name.replaceAll(" ", "-")}.schema.json`);
		expect(files).toEqual([...expected, "common.schema.json", "failure.schema.json"].sort());
	});

	// `pnpm docs:documents` writes the file anew.
	test("are as documents.txt has them, where a change is seen in review", async () => {
		const { $defs, ...common } = read("common.schema.json");
		expect(Object.keys(common)).toEqual(["$schema", "$id", "title"]);
		const sections = [
			...Object.entries($defs as Record<string, Schema>).map(([name, schema]) => `${name}: ${outline(schema)}\n`),
			...files.filter((file) => file !== "common.schema.json").map((file) => documentsOf(read(file))),
		];
		await expect(sections.join("\n")).toMatchFileSnapshot("documents.txt");
	});

	test("are on the page that the package has", () => {
		const page = readFileSync(join(schemas, "../json.md"), "utf8");
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
