/** Describes the documents of --json on a page: a table of the members of each, and of the objects that several share. */

import { COMMANDS, schemaFile } from "./documents.mjs";
import { SHARED } from "./shared.mjs";

/** The comment of docs/reference/json.md in whose place the tables stand on the site and in the packages. */
const PLACE = "<!-- The tables of all documents stand here on the site and in the packages. -->\n";

/** Returns the committed page with the tables. */
export function withDocuments(page) {
	if (!page.includes(PLACE)) throw new Error(`docs/reference/json.md has no comment ${PLACE.trim()}`);
	return page.replace(PLACE, () => tables());
}

function tables() {
	const sections = Object.entries(COMMANDS).map(([name, { about, results }]) => {
		const variants = results.map((result) => {
			const title = results.length === 1 ? "" : `${result.description}\n\n`;
			return `${title}${table(result)}`;
		});
		return `## ${name}\n\n${about} Schema: \`${schemaFile(name)}\`.\n\n${variants.join("\n")}`;
	});
	const common = Object.entries(SHARED).map(([name, schema]) => {
		return `### ${name}\n\n${schema.description}\n\n${table(schema.items ?? schema)}`;
	});
	return `${sections.join("\n")}\n## Shared objects\n\n${common.join("\n")}`;
}

/** Returns the table of the members of an object, with those of inner objects below. */
function table(schema) {
	return `| Member | Type | Meaning |\n| --- | --- | --- |\n${[...rowsOf(schema, "")].join("")}`;
}

function* rowsOf(schema, prefix) {
	for (const [name, member] of Object.entries(schema.properties ?? {})) {
		const isOptional = !schema.required.includes(name);
		yield `| \`${prefix}${name}\`${isOptional ? " ?" : ""} | ${typeOf(member)} | ${meaningOf(member)} |\n`;
		for (const [inner, path] of innerOf(member, `${prefix}${name}`)) yield* rowsOf(inner, `${path}.`);
	}
}

/** Yields the objects inside a member: its own, those of a list, and those of alternatives. */
function* innerOf(member, path) {
	if (member.properties !== undefined) yield [member, path];
	if (member.items !== undefined) yield* innerOf(member.items, `${path}[]`);
	for (const each of member.anyOf ?? []) yield* innerOf(each, path);
}

function typeOf(member) {
	if (member.$ref !== undefined) {
		const name = member.$ref.replace(/.*\//, "");
		return `[${name}](#${name.toLowerCase()})`;
	}
	if (member.const !== undefined) return `\`${JSON.stringify(member.const)}\``;
	if (member.enum !== undefined) return member.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
	if (member.anyOf !== undefined) return [...new Set(member.anyOf.map(typeOf))].join(" or ");
	if (member.type === "array") return member.items === undefined ? "list" : `list of ${typeOf(member.items)}`;
	return [member.type].flat().join(" or ");
}

function meaningOf({ description, $ref }) {
	const text = description ?? SHARED[$ref?.replace(/.*\//, "")]?.description ?? "";
	return text.replaceAll("|", "\\|");
}
