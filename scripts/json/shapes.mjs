/** Describes values of JSON documents in a short form. Each function returns a JSON Schema of draft 2020-12. */

const OPTIONAL = Symbol("optional");

export const text = (description) => ({ description, type: "string" });
export const words = (description, ...values) => ({ description, enum: values });
export const number = (description) => ({ description, type: "number" });
export const count = (description) => ({ description, type: "integer", minimum: 0 });
export const truth = (description) => ({ description, type: "boolean" });
export const time = (description) => ({
	description: `${description} UTC, such as 2026-01-31T12:00:00Z.`,
	...pattern(TIME),
});
export const sha256 = (description) => ({ description, ...pattern("^[0-9a-f]{64}$") });
export const hex = (description) => ({ description, ...pattern("^([0-9a-f]{2})*$") });
export const list = (description, items) => ({ description, type: "array", items });
export const constant = (value) => ({ const: value });

/** An object with exactly these members. A member that `optional` made may be missing. */
export const object = (description, members) => ({
	description,
	type: "object",
	additionalProperties: false,
	required: Object.keys(members).filter((name) => members[name][OPTIONAL] !== true),
	properties: members,
});

/** An object whose members have names that are data. */
export const map = (description, values) => ({ description, type: "object", additionalProperties: values });

/** An object that another page describes, and that this schema does not. */
export const elsewhere = (description) => ({ description, type: "object" });

/** A definition of shared.mjs. */
export const shared = (name, description) => ({
	...(description !== undefined && { description }),
	$ref: `common.schema.json#/$defs/${name}`,
});

export const optional = (schema) => ({ ...schema, [OPTIONAL]: true });

/** The value, or null. */
export function orNull(schema) {
	const { description, ...rest } = schema;
	if (rest.enum !== undefined) return { description, enum: [...rest.enum, null] };
	if (typeof rest.type === "string" && rest.type !== "object")
		return { description, ...rest, type: [rest.type, "null"] };
	return { ...(description !== undefined && { description }), anyOf: [rest, { type: "null" }] };
}

function pattern(expression) {
	return { type: "string", pattern: expression };
}

const TIME = "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$";
