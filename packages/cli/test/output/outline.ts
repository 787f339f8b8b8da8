/** Writes JSON Schemas in short, a member a line, so that a change of what programs read is seen in review. */

export interface Schema {
	readonly [keyword: string]: unknown;
	readonly anyOf?: readonly Schema[];
	readonly properties?: Readonly<Record<string, Schema>>;
	readonly required?: readonly string[];
	readonly items?: Schema;
}

/** The keywords that the outline tells, and those that say nothing about the values. */
const KNOWN = new Set([
	...["anyOf", "properties", "required", "additionalProperties", "items", "type", "enum", "const", "$ref", "pattern"],
	...["minimum", "maxItems", "description"],
]);

const WIDTH = 140;

/** Returns the schema in lines that begin with `indent`. An object that fits on a line stands on one. */
export function outline(schema: Schema, indent = "\t"): string {
	const unknown = Object.keys(schema).filter((keyword) => !KNOWN.has(keyword));
	if (unknown.length > 0) throw new Error(`the outline does not tell ${unknown}`);
	const { anyOf, properties, items, additionalProperties: others, pattern } = schema;
	if (schema.$ref !== undefined) return String(schema.$ref).replace("common.schema.json#/$defs/", "");
	if (anyOf !== undefined) return anyOf.map((each) => outline(each, indent)).join(" | ");
	if (schema.enum !== undefined || "const" in schema)
		return ((schema.enum as unknown[]) ?? [schema.const]).map((value) => JSON.stringify(value)).join(" | ");
	if (items !== undefined) return `list of ${outline(items, indent)}`;
	if (typeof others === "object") return `map of ${outline(others as Schema, indent)}`;
	if (properties !== undefined) {
		const members = membersOf(schema, indent);
		const line = `{ ${members.join(", ")} }`;
		if (line.length <= WIDTH && !line.includes("\n")) return line;
		return `{\n${members.map((member) => `${indent}${member}\n`).join("")}${indent.slice(1)}}`;
	}
	const bounds = [
		...(schema.minimum === undefined ? [] : [`from ${schema.minimum}`]),
		...(schema.maxItems === undefined ? [] : [`of at most ${schema.maxItems}`]),
		...(pattern === undefined ? [] : [`/${pattern}/`]),
	];
	return [[schema.type ?? "anything"].flat().join(" | "), ...bounds].join(" ");
}

/** Returns each member of an object with its type, and `?` if it may be missing. */
export function membersOf({ properties = {}, required = [], additionalProperties }: Schema, indent = ""): string[] {
	if (additionalProperties !== false) throw new Error("an object admits members that it does not name");
	return Object.entries(properties).map(([name, member]) => {
		return `${name}${required.includes(name) ? "" : "?"}: ${outline(member, `${indent}\t`)}`;
	});
}
