/**
 * Parses settings: JSON and lines. C code parses them by the same rules (packages/verifier/native/shared/json.c,
 * key-lines.c).
 */

import { isUtf8 } from "node:buffer";
import { type ObjectShape, type Refusal, type Shape, TWICE, UNKNOWN } from "./shape.js";

/**
 * Parses a JSON document (RFC 8259) in UTF-8 without a byte order mark, in a subset that every reader understands in
 * the same way. No object has two members of one name. Numbers are whole, written only in digits, and at most 2^53 - 1.
 * No text contains U+0000 or half of a surrogate pair.
 * @throws the error that `refuse` makes; its `at` is empty if the text is not JSON
 */
export function parseStrictJson(bytes: Uint8Array, maxBytes: number, refuse: Refusal): unknown {
	const text = textOf(bytes, maxBytes, refuse);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (cause) {
		// A file that somebody edits is empty for a moment, or ends early.
		throw refuse("", `it is not JSON: ${String(cause)}`, { passing: true });
	}
	refuseAmbiguity(text, refuse);
	return value;
}

/**
 * A container that is being parsed. It has the `names` of an object so far, or the number of the current item of a
 * list.
 */
interface Container {
	readonly at: string;
	readonly names: Set<string> | undefined;
	place: string;
	index: number;
}

/**
 * Throws if `text` is outside of the subset. `text` must be JSON that JSON.parse accepts, because the search relies on
 * complete tokens and brackets.
 */
function refuseAmbiguity(text: string, refuse: Refusal): void {
	const open: Container[] = [];
	let isName = false;
	for (let at = 0; at < text.length; at++) {
		const container = open.at(-1);
		const place = container?.place ?? "$";
		switch (text[at]) {
			case "{":
				open.push({ at: place, names: new Set(), place, index: 0 });
				isName = true;
				break;
			case "[":
				open.push({ at: place, names: undefined, place: `${place}[0]`, index: 0 });
				break;
			case "}":
			case "]":
				open.pop();
				isName = false;
				break;
			case ",":
				isName = container?.names !== undefined;
				if (container !== undefined && !isName) container.place = `${container.at}[${++container.index}]`;
				break;
			case '"': {
				const end = endOfString(text, at);
				const string: string = JSON.parse(text.slice(at, end + 1));
				if (UNUSABLE.test(string)) throw refuse(isName ? (container?.at ?? "$") : place, isName ? BAD_NAME : BAD_TEXT);
				if (isName && container !== undefined) {
					container.place = `${container.at}.${string}`;
					if (container.names?.has(string) === true) throw refuse(container.place, TWICE);
					container.names?.add(string);
				}
				isName = false;
				at = end;
				break;
			}
			default: {
				const [number = ""] = NUMBER_STARTS.has(text[at])
					? (NUMBER.exec(text.slice(at, at + MAX_NUMBER_LENGTH)) ?? [])
					: [];
				if (number === "") break;
				if (!/^\d+$/.test(number) || Number(number) > Number.MAX_SAFE_INTEGER) throw refuse(place, BAD_NUMBER);
				at += number.length - 1;
			}
		}
	}
}

function endOfString(text: string, start: number): number {
	let end = start + 1;
	while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
	return end;
}

const NUMBER_STARTS: ReadonlySet<string> = new Set("-0123456789");
/**
 * Matches a number from its start. MAX_NUMBER_LENGTH limits the search, because a number with more digits is larger
 * than 2^53.
 */
const NUMBER = /^-?\d[\d.eE+-]*/;
const MAX_NUMBER_LENGTH = 32;
/** Matches U+0000, which ends a text in C, and half of a surrogate pair, which UTF-8 cannot encode. */
const UNUSABLE = /[\0\p{Surrogate}]/u;
const BAD_TEXT = "must not hold U+0000 or half of a surrogate pair";
const BAD_NAME = "must not have a name with U+0000 or half of a surrogate pair";
const BAD_NUMBER = "must be a whole number in digits alone, at most 9007199254740991";

/**
 * Parses lines `key value` into an object. The first line is `version 1`. A list has one line for each item. An object
 * with `path` and `sha256` has these two values on one line. `readShape` judges the values afterwards.
 * @throws the error that `refuse` makes
 */
export function parseKeyLines(shape: ObjectShape, bytes: Uint8Array, maxBytes: number, refuse: Refusal): object {
	const text = textOf(bytes, maxBytes, refuse);
	if (text.includes("\0")) throw refuse("", NO_TEXT);
	const lines = text.split("\n");
	const values = new Map<string, unknown>();
	for (const [index, line] of lines.entries()) {
		const at = `line ${index + 1}`;
		if (index === lines.length - 1) {
			if (line !== "") throw refuse(at, "must end with a line break");
			break;
		}
		if (index >= MAX_LINES) throw refuse(at, `must not be there: there are at most ${MAX_LINES} lines`);
		if (index === 0 && line !== "version 1") throw refuse(at, 'must be "version 1"');
		const space = line.indexOf(" ");
		if (space < 1 || space === line.length - 1) throw refuse(at, 'must be "key value"');
		const key = line.slice(0, space);
		if (!Object.hasOwn(shape.members, key)) throw refuse(`$.${key}`, UNKNOWN);
		const member = shape.members[key];
		const before = values.get(key);
		if (before !== undefined && member.kind !== "list") throw refuse(`$.${key}`, TWICE);
		const value = valueOnLine(member, line.slice(space + 1));
		values.set(key, member.kind === "list" ? [...((before as unknown[] | undefined) ?? []), value] : value);
	}
	if (values.size === 0) throw refuse("line 1", 'must be "version 1"');
	return Object.fromEntries(values);
}

/** Returns the value of a line, or one item of a list. A text that is no whole number stays a text. */
function valueOnLine(member: Shape, text: string): unknown {
	if (member.kind === "list") return valueOnLine(member.of, text);
	const isNumber = member.kind === "number" || member.kind === "version";
	if (isNumber) return /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : text;
	if (member.kind !== "object") return text;
	const space = text.lastIndexOf(" ");
	return space < 0 ? { path: text } : { path: text.slice(0, space), sha256: text.slice(space + 1) };
}

const MAX_LINES = 256;

function textOf(bytes: Uint8Array, maxBytes: number, refuse: Refusal): string {
	if (bytes.length > maxBytes) throw refuse("", `it is larger than ${maxBytes} bytes`);
	// Buffer decodes the text, because to create a TextDecoder takes longer than to parse most documents.
	if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
	throw refuse("", NO_TEXT);
}

const NO_TEXT = "it is not text in UTF-8";
