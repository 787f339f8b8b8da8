/**
 * No PowerShell runs here, because Debian and npm have none. So a grammar of PowerShell judges the syntax of the
 * completion, and this test judges what the grammar does not see.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { Language, type Node, Parser } from "web-tree-sitter";

const script = readFileSync(new URL("../../../packages/cli/dist/completion/sigtool.ps1", import.meta.url), "utf8");
const { resolve } = createRequire(import.meta.url);

await Parser.init();
const parser = new Parser().setLanguage(
	await Language.load(resolve("tree-sitter-powershell/tree-sitter-powershell.wasm")),
);

function rootOf(text: string): Node {
	const tree = parser.parse(text);
	if (tree === null) throw new Error("The parser has no language");
	return tree.rootNode;
}

function nodesOf(type: string): Node[] {
	return rootOf(script)
		.descendantsOfType(type)
		.filter((node) => node !== null);
}

it("the completion for PowerShell has no error of syntax, and the grammar finds one that it is given", () => {
	expect(rootOf(script).hasError).toBe(false);
	expect(rootOf(script.replace("$first++", "$first+(")).hasError).toBe(true);
});

it("no table of the completion has a key twice, which PowerShell refuses, whatever their case", () => {
	const tables = nodesOf("hash_literal_expression");
	expect(tables.length).toBeGreaterThan(20);
	for (const table of tables) {
		const entries = table.namedChildren.flatMap((body) => body?.namedChildren ?? []);
		const keys = entries.map((entry) => entry?.namedChild(0)?.text.toLowerCase());
		expect(new Set(keys).size).toBe(keys.length);
		expect(keys.length).toBeGreaterThan(0);
	}
});

it("the completion for PowerShell evaluates no text", () => {
	expect(script).not.toMatch(/Invoke-Expression|\biex\b|ScriptBlock\]::Create|ExpandString|Start-Process/i);
	// A text between double quotes would be expanded. The only ones stand in the program itself.
	expect(nodesOf("expandable_string_literal").map(({ text }) => text)).toEqual(['"\'"', '"\'"', '"`t"']);
});
