/** Writes the JSON Schema of a document. */

import { TEXT_FORMS } from "../../packages/core/dist/trust/shape.js";

/**
 * Makes a JSON Schema, draft 2020-12. A schema cannot demand that the objects of a list have different names, but the
 * readers do.
 */
export function jsonSchemaOf(title, shape, page) {
	const head = {
		$schema: "https://json-schema.org/draft/2020-12/schema",
		title: `sigtool ${title}`,
		description: `${page} explains each member.`,
	};
	return `${JSON.stringify({ ...head, ...schemaOf(shape) }, null, "\t")}\n`;
}

function schemaOf(shape) {
	const described = shape.does === undefined ? {} : { description: shape.does };
	const value = { ...described, ...formOf(shape) };
	const isFilled = shape.kind === "list" && shape.optional !== true;
	const otherwise = shape.otherwise ?? (isFilled ? [] : undefined);
	return otherwise === undefined || shape.of?.kind === "object" ? value : { ...value, default: otherwise };
}

function formOf(shape) {
	switch (shape.kind) {
		case "version":
			return { const: 1 };
		case "word":
			return { enum: shape.words };
		case "number":
			return { type: "integer", minimum: shape.least, maximum: shape.most };
		case "switch":
			return { type: "boolean" };
		case "true":
			return { const: true };
		case "list":
			return {
				type: "array",
				items: schemaOf(shape.of),
				...((shape.unique === "value" || shape.order !== undefined) && { uniqueItems: true }),
				...(shape.least !== undefined && { minItems: shape.least }),
				...(shape.most !== undefined && { maxItems: shape.most }),
			};
		case "object": {
			const members = Object.entries(shape.members);
			const isNeeded = ({ kind, optional, otherwise }) =>
				optional !== true && otherwise === undefined && kind !== "list" && kind !== "object";
			const required = members.flatMap(([name, member]) => (isNeeded(member) ? [name] : []));
			const choices = members.flatMap(([name, { choice }]) => (choice === true ? [{ required: [name] }] : []));
			const needs = members.flatMap(([name, { needs }]) => (needs === undefined ? [] : [[name, needs]]));
			const isAtMostOne = shape.choose === "at most one"; // The one document with it has two such members.
			return {
				type: "object",
				...(required.length > 0 && { required }),
				additionalProperties: false,
				properties: Object.fromEntries(members.map(([name, member]) => [name, schemaOf(member)])),
				...(needs.length > 0 && { dependentRequired: Object.fromEntries(needs) }),
				...(isAtMostOne && { not: { allOf: choices } }),
				...(choices.length > 0 && !isAtMostOne && { [shape.choose === "at least one" ? "anyOf" : "oneOf"]: choices }),
			};
		}
		default:
			return { type: "string", pattern: TEXT_FORMS[shape.kind].form.source };
	}
}
