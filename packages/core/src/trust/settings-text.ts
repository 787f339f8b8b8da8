/**
 * Parses the two text forms of settings, JSON and lines `key value`, into values that `readShape` checks. The C readers
 * (packages/verifier/native/shared/text/json.c and key-lines.c) follow the same rules.
 */

import { isUtf8 } from "node:buffer";
import { type ObjectShape, type Refusal, type Shape, TWICE, UNKNOWN } from "./shape.js";

/**
 * Parses a JSON document (RFC 8259) in UTF-8 without a byte order mark. Accepts only a subset that all readers
 * understand in the same way: no object has two members with the same name; numbers are whole, written with digits
 * alone, and at most 2^53 - 1; and no text or name contains U+0000 or half of a surrogate pair.
 * @throws the error that `refuse` makes; its `at` is empty if the fault is in the document as a whole, which is too
 * large, not UTF-8 or not JSON
 */
export function parseStrictJson(bytes: Uint8Array, maxBytes: number, refuse: Refusal): unknown {
	const text = textOf(bytes, maxBytes, refuse);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (cause) {
		// A file that somebody edits is empty for a moment, or ends early. JSON.parse throws only a SyntaxError.
		throw refuse("", `it is not JSON: ${syntaxFault(text, cause as SyntaxError)}`, { passing: true });
	}
	refuseAmbiguity(text, refuse);
	return value;
}

/** Words an error of JSON.parse. Its line and column come from the position, which not every error has. */
function syntaxFault(text: string, { message }: Error): string {
	if (message === "Unexpected end of JSON input") return "it ends too early";
	const [, fault, position] = /^(.*?)(?: in JSON)? at position (\d+)/.exec(message) ?? [];
	if (fault === undefined) return message.replace(/, ["'.][\s\S]* is not valid JSON$/, "");
	const lines = text.slice(0, Number(position)).split("\n");
	return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}: ${fault}`;
}

/**
 * An object or a list whose end has not been reached. `at` is its path, such as `$.files`, and `place` is the path of
 * its current member or item. `names` has the names of the members so far, and is undefined for a list. `index` is the
 * number of the current item of a list.
 */
interface Container {
	readonly at: string;
	readonly names: Set<string> | undefined;
	place: string;
	index: number;
}

/**
 * Throws if `text` is outside of the subset of `parseStrictJson`. `text` must be JSON that JSON.parse accepts, because
 * this search relies on complete strings and balanced brackets.
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
 * Matches a number at the beginning of a text. The search looks only at the first MAX_NUMBER_LENGTH characters. A
 * longer number is refused in any case: it is larger than 2^53, or it is not written with digits alone.
 */
const NUMBER = /^-?\d[\d.eE+-]*/;
const MAX_NUMBER_LENGTH = 32;
/** Matches U+0000, at which a text ends in C, and half of a surrogate pair, which has no form in UTF-8. */
const UNUSABLE = /[\0\p{Surrogate}]/u;
const BAD_TEXT = "must not hold U+0000 or half of a surrogate pair";
const BAD_NAME = "must not have a name with U+0000 or half of a surrogate pair";
const BAD_NUMBER = "must be a whole number in digits alone, at most 9007199254740991";

/**
 * Parses lines `key value` into an object, such as `mode strict`. The first line is `version 1`, and each line ends
 * with a line break. A list has one line for each item. An object with the members `path` and `sha256` is one line `key
 * PATH SHA256`. Values are not judged here, but by `readShape`.
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

/**
 * Returns the value of one line. For a list this is one item. Where a number is expected, a text that is no whole
 * number stays a text, so that `readShape` refuses it.
 */
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
	// Buffer decodes the text, because creating a TextDecoder would take longer than parsing most documents.
	if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
	throw refuse("", NO_TEXT);
}

const NO_TEXT = "it is not text in UTF-8";
