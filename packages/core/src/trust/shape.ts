/**
 * Defines the shapes that a value in a settings document can have, and reads values by these shapes. The shapes are
 * data. schema.ts has the shapes of the documents, and scripts/schema.mjs generates from them the tables of the C
 * reader (packages/verifier/native/shared/settings/members.c).
 */

import { VARIABLE_FORM } from "./variables.js";

/** The shape of one value. */
export type Shape =
	/** The value is the number 1. */
	| { readonly kind: "version" }
	| { readonly kind: "word"; readonly words: readonly string[] }
	/** A whole number from `least` to `most`, both included. */
	| { readonly kind: "number"; readonly least: number; readonly most: number }
	| { readonly kind: "switch" }
	/** The only value is `true`. Otherwise the member is absent. */
	| { readonly kind: "true" }
	| { readonly kind: TextKind }
	/** Any value is accepted here, because another reader judges it later. */
	| { readonly kind: "any" }
	| ListShape
	| ObjectShape;

/** If a list is absent, not optional, and has no default, its value is an empty list. */
export interface ListShape {
	readonly kind: "list";
	readonly of: Shape;
	/**
	 * With `value`, no two items may be equal. With `name` or `label`, no two objects in the list may have the same value
	 * of the member with this name.
	 */
	readonly unique?: "value" | "name" | "label";
	/** With `ascending`, each text must be greater than the one before it, so that none is there twice. */
	readonly order?: "ascending";
	/** The smallest number of items, which is 0 by default. The C reader does not know it. */
	readonly least?: 1;
	/** The largest number of items. */
	readonly most?: number;
}

/**
 * If an object is absent and not optional, its value is an object with the defaults of its members. If one of its
 * members must be present, the absent object is refused.
 */
export interface ObjectShape {
	readonly kind: "object";
	readonly members: { readonly [name: string]: Member };
	/** Tells how many of the members with `choice: true` must be present. The C reader does not know `at most one`. */
	readonly choose?: "exactly one" | "at least one" | "at most one";
}

/**
 * The shape of one member of an object. The member must be present, unless it is optional, has a default, or is a list
 * or an object.
 */
export type Member = Shape & {
	readonly optional?: true;
	/** The value of the member if it is absent. */
	readonly otherwise?: unknown;
	/** True if this member is one of those that the object's `choose` counts. */
	readonly choice?: true;
	/** The names of other members of the object that must be present if this member is. */
	readonly needs?: readonly string[];
	/** The description of the member, for the documentation and for editors. */
	readonly does: string;
	/** The name of another member that has the same members, so that the documentation need not repeat them. */
	readonly as?: string;
	/** The part of sigtool that obeys the member. All readers check the member, even if they do not obey it. */
	readonly by?: string;
};

/** The TypeScript type of the values that have the shape `S`. */
export type ValueOf<S> = S extends { readonly kind: "object"; readonly members: infer Members }
	? { readonly [Name in keyof Members]: ValueOf<Members[Name]> | AbsentOf<Members[Name]> }
	: S extends { readonly kind: "list"; readonly of: infer Item }
		? readonly ValueOf<Item>[]
		: S extends { readonly kind: "word"; readonly words: readonly (infer Word)[] }
			? Word
			: S extends { readonly kind: infer Kind extends keyof Values }
				? Values[Kind]
				: never;

type AbsentOf<S> = S extends { readonly optional: true } ? undefined : never;
type Values = Record<TextKind, string> & { version: 1; number: number; switch: boolean; true: true; any: unknown };

/**
 * Makes the error that refuses a value. `at` is the path of the value in its document, e.g. `$.files`. `reason`
 * completes a sentence about the value, e.g. `must be an object`.
 */
export type Refusal = (at: string, reason: string, options?: { readonly passing: boolean }) => Error;

export type TextKind = keyof typeof TEXT_FORMS;

/**
 * The kinds of text. `form` matches a text of the kind from its first to its last character; only for `root` it matches
 * just the beginning. value-forms.c checks the same forms in code that is written by hand. `is` is for error messages, and
 * `called` is for the tables of the documentation.
 */
export const TEXT_FORMS = {
	line: { form: /^\P{Cc}+$/u, is: "a line of text", called: "a line of text" },
	path: {
		form: /^(?:\/|(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+)$/u,
		is: "an absolute path without ., .., a / at the end, and control characters",
		called: "a path",
	},
	digest: { form: /^[0-9a-f]{64}$/, is: "64 lower-case hexadecimal digits", called: "a SHA-256" },
	event: {
		form: /^(?:\*|[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)$/,
		is: "the name of an audit event, or *",
		called: "the name of an audit event, or `*`",
	},
	variable: {
		form: VARIABLE_FORM,
		is: "the name of a variable that loads no code, or its beginning and *",
		called: "the name of a variable, or its beginning and `*`",
	},
	dotted: {
		form: /^[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*$/,
		is: "the name of a module",
		called: "the name of a module",
	},
	glob: {
		form: /^(?:\*\*|(?!\.{1,2}(?:\/|$))(?:(?!\*\*)[^/\p{Cc}])+)(?:\/(?:\*\*|(?!\.{1,2}(?:\/|$))(?:(?!\*\*)[^/\p{Cc}])+))*$/u,
		is: "a relative path without ., .., a / at an end, control characters, and ** beside other characters",
		called: "a relative path, with `*` and `**`",
	},
	filename: {
		form: /^(?!\.{1,2}$)[^/\p{Cc}]+$/u,
		is: "the name of a file, without a /",
		called: "the name of a file",
	},
	label: {
		form: /^[A-Za-z][A-Za-z0-9._-]{0,63}$/,
		is: "a letter, and at most 63 letters, digits, dots, - and _ behind it",
		called: "a label",
	},
	/** A name of RFC 4514 without spaces around its separators, which `readName` never writes. */
	subject: {
		form: /^(?:[A-Za-z]+|[0-9.]+)=(?:(?:[^"+,;<>\\\p{Cc} ]|\\\P{Cc})(?: *(?:[^"+,;<>\\\p{Cc} ]|\\\P{Cc}))*)?(?:[,+](?:[A-Za-z]+|[0-9.]+)=(?:(?:[^"+,;<>\\\p{Cc} ]|\\\P{Cc})(?: *(?:[^"+,;<>\\\p{Cc} ]|\\\P{Cc}))*)?)*$/u,
		is: "a subject such as CN=Release,O=Example, without spaces around , + and =",
		called: "a subject, such as `CN=Release,O=Example`",
	},
	time: {
		form: /^\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|[12]\d))(?:T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ)?$/,
		is: "a day such as 2027-06-30, or a time such as 2027-06-30T12:00:00Z",
		called: "a day, or a time in UTC",
	},
	url: {
		form: /^https?:\/\/[!-~]+$/,
		is: "a URL that begins with https:// or http://, in ASCII",
		called: "a URL",
	},
	hex: {
		form: /^(?:[0-9a-f]{2})+$/,
		is: "an even number of lower-case hexadecimal digits",
		called: "bytes in hexadecimal",
	},
	text: { form: /^[\s\S]+$/, is: "a text that is not empty", called: "a text" },
	root: { form: /^(?:\/|[A-Za-z]:[\\/]|\\\\)/, is: "an absolute path", called: "an absolute path" },
} as const;

/**
 * Checks a value and returns it with the defaults of absent members. Objects and lists of the result are frozen, and
 * the members of an object are in the order of its shape. Throws the first fault that it finds in an object: first it
 * judges the present members in the order of the value, then missing members in the order of the shape, and then
 * `needs` and `choose`.
 */
export function readShape<const S extends Shape>(shape: S, value: unknown, refuse: Refusal): ValueOf<S> {
	// The type assertion is safe: `read` returns a value of the shape, or throws.
	return read(shape, value, "$", refuse) as ValueOf<S>;
}

function read(shape: Shape, value: unknown, at: string, refuse: Refusal): unknown {
	if (shape.kind === "object") return readObject(shape, value, at, refuse);
	if (shape.kind === "list") return readList(shape, value, at, refuse);
	if (fits(shape, value)) return value;
	throw refuse(at, mustBe(shape));
}

function readObject(shape: ObjectShape, value: unknown, at: string, refuse: Refusal): object {
	if (typeof value !== "object" || value === null || Array.isArray(value)) throw refuse(at, mustBe(shape));
	const given = new Map<string, unknown>();
	for (const [name, each] of Object.entries(value)) {
		if (!Object.hasOwn(shape.members, name)) throw refuse(`${at}.${name}`, UNKNOWN);
		if (each !== undefined) given.set(name, read(shape.members[name], each, `${at}.${name}`, refuse));
	}
	const members = Object.entries(shape.members);
	const entries = members.map(([name, member]) => {
		return [name, given.has(name) ? given.get(name) : absent(member, `${at}.${name}`, refuse)];
	});
	for (const [name, { needs = [] }] of members) {
		if (given.has(name) && !needs.every((each) => given.has(each))) {
			throw refuse(`${at}.${name}`, `needs ${needs.join(" and ")} beside it`);
		}
	}
	const choices = members.flatMap(([name, { choice }]) => (choice === true ? [name] : []));
	const chosen = choices.filter((name) => given.has(name)).length;
	const isTooFew = chosen === 0 && shape.choose !== "at most one";
	const isTooMany = chosen > 1 && shape.choose !== "at least one";
	if (shape.choose !== undefined && (isTooFew || isTooMany)) {
		throw refuse(at, `must have ${shape.choose} of ${choices.join(", ")}`);
	}
	return Object.freeze(Object.fromEntries(entries));
}

function absent(member: Member, at: string, refuse: Refusal): unknown {
	if (member.optional === true) return undefined;
	if (member.otherwise !== undefined) return read(member, member.otherwise, at, refuse);
	if (member.kind === "list") return read(member, [], at, refuse);
	if (member.kind === "object") return read(member, {}, at, refuse);
	throw refuse(at, mustBe(member));
}

function readList(shape: ListShape, value: unknown, at: string, refuse: Refusal): readonly unknown[] {
	if (!Array.isArray(value)) throw refuse(at, mustBe(shape));
	const items = value.map((each, index) => read(shape.of, each, `${at}[${index}]`, refuse));
	if (items.length < (shape.least ?? 0)) throw refuse(at, "must not be empty");
	if (items.length > (shape.most ?? items.length)) throw refuse(at, `must not hold more than ${shape.most}`);
	const { unique } = shape;
	if (unique !== undefined) {
		// The type assertion is safe: only lists of objects are unique by a member.
		const keys = unique === "value" ? items : items.map((item) => (item as Record<string, unknown>)[unique]);
		const given = keys.filter((key) => key !== undefined);
		if (new Set(given).size < given.length)
			throw refuse(at, `must not hold ${unique === "value" ? "anything" : `a ${unique}`} twice`);
	}
	if (shape.order === "ascending" && !isAscending(items)) throw refuse(at, DISORDER);
	return Object.freeze(items);
}

/**
 * Returns true if each text is greater than the one before it. Then no two are equal, which the C reader, too, finds out
 * in one pass. Without the order it would compare each item with all before it.
 */
function isAscending(items: readonly unknown[]): boolean {
	// The type assertion is safe: only lists of texts have an order.
	return items.every((item, index) => index === 0 || (items[index - 1] as string) < (item as string));
}

function fits(shape: Exclude<Shape, ListShape | ObjectShape>, value: unknown): boolean {
	switch (shape.kind) {
		case "version":
			return value === 1;
		case "word":
			return typeof value === "string" && shape.words.includes(value);
		case "number":
			return Number.isInteger(value) && Number(value) >= shape.least && Number(value) <= shape.most;
		case "switch":
			return typeof value === "boolean";
		case "true":
			return value === true;
		case "any":
			return true;
		default:
			return typeof value === "string" && TEXT_FORMS[shape.kind].form.test(value);
	}
}

/** The reason to refuse a member whose name is not in the shape. */
export const UNKNOWN = "is not a member of this version";
/** The reason to refuse a list that is not in order. */
export const DISORDER = "must be in ascending order, with nothing twice";
/** The reason to refuse a member that occurs twice. */
export const TWICE = "is there twice";

/** Returns the reason to refuse a value that does not have the shape. The C reader uses the same text. */
export function mustBe(shape: Shape): string {
	switch (shape.kind) {
		case "version":
			return "must be 1, the version of this format";
		case "word":
			return `must be ${shape.words.length > 1 ? "one of " : ""}${shape.words.map((word) => `"${word}"`).join(", ")}`;
		case "number":
			return `must be a whole number from ${shape.least} to ${shape.most}`;
		case "switch":
			return "must be true or false";
		case "true":
			return "must be true";
		case "any":
			return "must be there";
		case "list":
			return "must be a list";
		case "object":
			return "must be an object";
		default:
			return `must be ${TEXT_FORMS[shape.kind].is}`;
	}
}
